/**
 * `npm start` as a person runs it, for the smokes: a process group of its own on a data directory of its
 * own, what it prints kept, and a way to find every process it brought forth, however re-parented.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

// Open activities end within 10 s; Postgres and Temporal then need a second each.
const stoppedWithinMs = 45_000;
// A CLI call starts a process of its own, which takes about a second on a busy machine.
const commandTimeoutMs = 60_000;

export interface Engine {
  readonly child: ChildProcess;
  readonly clone: string;
  readonly dataDir: string;
  /** In the environment of every process that this start brought forth, however it was re-parented. */
  readonly marker: string;
  readonly output: string[];
}

/** `npm start` in `clone`. Returns at once. */
export function startByNpm(
  clone: string,
  dataDir: string,
  flags: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Engine {
  const marker = `QUAYSIDE_SMOKE=${randomUUID()}`;
  // A group of its own, for Ctrl-C reaches the whole foreground group and so must this.
  const child = spawn('npm', ['start', '--', '--data-dir', dataDir, ...flags], {
    cwd: clone,
    detached: true,
    env: { ...process.env, ...env, QUAYSIDE_SMOKE: marker.slice('QUAYSIDE_SMOKE='.length) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  const keep = (chunk: Buffer): void => {
    output.push(chunk.toString('utf8'));
    if (output.length > 500) output.shift();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return { child, clone, dataDir, marker, output };
}

/** A command against the engine; rejects when it ends with another code than 0. */
export async function quayside(engine: Engine, ...args: string[]): Promise<string> {
  const command = [join(engine.clone, 'bin', 'quayside.js'), ...args, '--data-dir', engine.dataDir];
  const { stdout } = await run(process.execPath, command, { cwd: engine.clone, timeout: commandTimeoutMs });
  return stdout;
}

function signalGroup(engine: Engine, signal: NodeJS.Signals): void {
  if (engine.child.pid === undefined) return;
  try {
    process.kill(-engine.child.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

export async function stopByInterrupt(engine: Engine): Promise<void> {
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

/** @param withinMs after an orderly end the parent may be reaped a moment before its last child. */
export async function assertNothingLeft(engine: Engine, withinMs = 5_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  let left = await leftovers(engine);
  while (left.size > 0 && Date.now() < deadline) {
    await pause(250);
    left = await leftovers(engine);
  }
  if (left.size > 0) throw new Error(`left behind:\n${[...left.values()].join('\n')}`);
}

/** After a failure: what the engine did not stop itself must not disturb the next run. */
export async function killLeftovers(engine: Engine): Promise<void> {
  signalGroup(engine, 'SIGKILL');
  for (const pid of (await leftovers(engine)).keys()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended in between.
    }
  }
}
