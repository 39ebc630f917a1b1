/**
 * The smoke of `npm start`, as a person would do it: start on an empty data directory, wait until ten
 * orders are delivered, ask `quayside check`, press Ctrl-C, and look for processes left behind. It
 * needs nothing but the clone; the first start on a machine also provisions the Temporal server.
 * Prints one line a step and closes with `smoke: N passed, N failed`; on failure it shows the end of
 * what the engine printed. Whatever happens, no process of that start is left when it ends.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const root = join(__dirname, '..', '..');
const run = promisify(execFile);

const wantedOrders = 10;
const ordersAMinute = 120;
// Building the Temporal server takes 2 min 45 s on two cores, the ten orders about one more.
const deliveredWithinMs = 8 * 60_000;
// Open activities end within 10 s; Postgres and Temporal then need a second each.
const stoppedWithinMs = 45_000;
// A CLI call starts a process of its own, which takes about a second on a busy machine.
const pollEveryMs = 2_000;
const commandTimeoutMs = 60_000;

interface Engine {
  readonly child: ChildProcess;
  readonly dataDir: string;
  /** In the environment of every process that this start brought forth, however it was re-parented. */
  readonly marker: string;
  readonly output: string[];
}

function startEngine(): Engine {
  const dataDir = mkdtempSync(join(tmpdir(), 'quayside-smoke-'));
  const marker = `QUAYSIDE_SMOKE=${randomUUID()}`;
  const args = ['start', '--', '--data-dir', dataDir, '--fresh', '--rate', String(ordersAMinute)];
  // A group of its own, for Ctrl-C reaches the whole foreground group and so must this.
  const child = spawn('npm', args, {
    cwd: root,
    detached: true,
    env: { ...process.env, QUAYSIDE_SMOKE: marker.slice('QUAYSIDE_SMOKE='.length) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  const keep = (chunk: Buffer): void => {
    output.push(chunk.toString('utf8'));
    if (output.length > 500) output.shift();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return { child, dataDir, marker, output };
}

async function quayside(engine: Engine, ...args: string[]): Promise<string> {
  const command = [join(root, 'bin', 'quayside.js'), ...args, '--data-dir', engine.dataDir];
  const { stdout } = await run(process.execPath, command, { cwd: root, timeout: commandTimeoutMs });
  return stdout;
}

/** Orders that were delivered, closed since or not; 0 while the engine is still coming up and the command finds nobody. */
async function countDelivered(engine: Engine): Promise<number> {
  try {
    const orders: unknown = JSON.parse(
      await quayside(engine, 'orders', '--state', 'delivered,closed', '--json'),
    );
    return Array.isArray(orders) ? orders.length : 0;
  } catch {
    return 0;
  }
}

async function waitForDeliveries(engine: Engine): Promise<void> {
  const deadline = Date.now() + deliveredWithinMs;
  let seen = 0;
  while (Date.now() < deadline) {
    if (engine.child.exitCode !== null) throw new Error(`npm start ended with ${engine.child.exitCode}`);
    seen = await countDelivered(engine);
    if (seen >= wantedOrders) return;
    await pause(pollEveryMs);
  }
  throw new Error(`${seen} of ${wantedOrders} orders were delivered in ${deliveredWithinMs / 1000} s`);
}

function signalGroup(engine: Engine, signal: NodeJS.Signals): void {
  if (engine.child.pid === undefined) return;
  try {
    process.kill(-engine.child.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

async function stopByInterrupt(engine: Engine): Promise<void> {
  const closed = new Promise<void>((resolve) => engine.child.once('close', () => resolve()));
  if (engine.child.exitCode === null) signalGroup(engine, 'SIGINT');
  const late = pause(stoppedWithinMs, 'late', { ref: false });
  if ((await Promise.race([closed, late])) === 'late') {
    throw new Error(`still running ${stoppedWithinMs / 1000} s after SIGINT`);
  }
}

/**
 * Processes of this start that still live: those whose command line names the data directory and,
 * where /proc exists, those that inherited the marker. Needs no rights over other users' processes.
 */
async function leftovers(engine: Engine): Promise<Map<number, string>> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,args=']);
  const byCommand = stdout.split('\n').filter((line) => line.includes(engine.dataDir));
  const found = new Map(byCommand.map((line) => [Number.parseInt(line, 10), line.trim()]));
  for (const pid of listProcIds()) {
    const environment = readProc(pid, 'environ');
    if (environment.includes(engine.marker)) {
      found.set(pid, `${pid} ${readProc(pid, 'cmdline').replaceAll('\0', ' ')}`);
    }
  }
  found.delete(process.pid);
  return found;
}

function listProcIds(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

async function assertNothingLeft(engine: Engine): Promise<void> {
  // The parent may be reaped a moment before its last child.
  const deadline = Date.now() + 5_000;
  let left = await leftovers(engine);
  while (left.size > 0 && Date.now() < deadline) {
    await pause(250);
    left = await leftovers(engine);
  }
  if (left.size > 0) throw new Error(`left behind:\n${[...left.values()].join('\n')}`);
}

/** After a failure: what the engine did not stop itself must not disturb the next run. */
async function killLeftovers(engine: Engine): Promise<void> {
  signalGroup(engine, 'SIGKILL');
  for (const pid of (await leftovers(engine)).keys()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended in between.
    }
  }
}

async function main(): Promise<number> {
  const engine = startEngine();
  const steps: readonly (readonly [string, (engine: Engine) => Promise<unknown>])[] = [
    [`${wantedOrders} orders delivered`, waitForDeliveries],
    ['quayside check is clean', (e) => quayside(e, 'check')],
    ['stops on Ctrl-C', stopByInterrupt],
    ['no process left behind', assertNothingLeft],
  ];
  let failed = 0;
  for (const [name, step] of steps) {
    const started = Date.now();
    const error = await step(engine).then(
      () => null,
      (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason))),
    );
    const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6);
    console.log(`${error === null ? 'ok  ' : 'FAIL'} ${seconds} s  ${name}`);
    if (error !== null) {
      failed += 1;
      console.log(
        `${error.message}\n--- the engine's last lines ---\n${engine.output.join('').slice(-4_000)}`,
      );
    }
  }
  await killLeftovers(engine);
  rmSync(engine.dataDir, { recursive: true, force: true });
  console.log(`smoke: ${steps.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
