/**
 * Every server and role that Quayside starts goes through `spawnGuarded`: in a process group of its
 * own, so that a Ctrl-C in the terminal reaches only the parent, which then stops things in order;
 * and known to the watchdog, a tiny process holding the other end of a pipe, so that a `kill -9` of
 * the parent leaves nothing behind. There is one watchdog a process, started with the first child.
 * When the watchdog itself is killed, a new one takes the list over. What remains is the instant
 * between the birth of a child and the line that names it; servers with data cover that by their
 * claim file (`ownership.ts`), through which the next start finds and stops them.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { join } from 'node:path';
import { send } from './processes';

export interface GuardOptions {
  /** What the watchdog sends first when the parent is gone. */
  readonly stopSignal: NodeJS.Signals;
  /** How long it then waits, in milliseconds, before it kills the group. */
  readonly graceMs: number;
}

interface Watchdog {
  readonly child: ChildProcess;
  /** Settles when it ignores signals, or is gone again. */
  readonly ready: Promise<void>;
  closing: boolean;
}

const guarded = new Map<number, GuardOptions>();
let watchdog: Watchdog | undefined;

/**
 * Spawns a command as the leader of its own process group, under the watchdog's eyes until it
 * exits. Whatever its group still holds when the leader exits is killed. Throws when the command
 * can't be started at all (`ENOENT`, `EACCES`).
 */
export async function spawnGuarded(
  command: string,
  args: readonly string[],
  options: SpawnOptions & GuardOptions,
): Promise<ChildProcess & { readonly pid: number }> {
  const { stopSignal, graceMs, ...spawnOptions } = options;
  watchdog ??= startWatchdog();
  // Some 40 ms, once a process; from then on it can't be ended by accident.
  await watchdog.ready;
  const child = spawn(command, args, { ...spawnOptions, detached: true });
  const { pid } = child;
  if (pid === undefined) {
    return await new Promise((_, reject) => {
      child.once('error', reject);
    });
  }
  guarded.set(pid, { stopSignal, graceMs });
  tell({ guard: { pid, signal: stopSignal, graceMs } });
  child.once('exit', () => {
    send(-pid, 'SIGKILL');
    guarded.delete(pid);
    tell({ release: pid });
  });
  return Object.assign(child, { pid });
}

/** Ends the watchdog and waits for it; call it last, when everything guarded has been stopped. */
export async function closeGuard(): Promise<void> {
  const current = watchdog;
  if (current === undefined) return;
  current.closing = true;
  watchdog = undefined;
  await new Promise<void>((resolve) => {
    current.child.once('exit', () => resolve());
    current.child.ref();
    current.child.stdin?.end();
    if (current.child.exitCode !== null || current.child.signalCode !== null) resolve();
  });
}

/** The watchdog's pid, for tests and for `quayside doctor`; undefined while nothing is guarded. */
export function watchdogPid(): number | undefined {
  return watchdog?.child.pid;
}

function startWatchdog(): Watchdog {
  // An empty environment keeps NODE_OPTIONS (loaders, debuggers) out of it; `/` holds no mount busy.
  const child = spawn(process.execPath, [join(__dirname, 'watchdog.js')], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    cwd: '/',
    env: {},
  });
  const ready = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.stdout.once('data', () => {
      child.stdout.destroy();
      resolve();
    });
  });
  const started: Watchdog = { child, ready, closing: false };
  child.unref();
  // Unreferenced, or the pipe alone would keep a process alive that has nothing left to do.
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  child.stdin.on('error', () => undefined); // its exit, below, says the same
  child.once('exit', () => {
    if (started.closing || watchdog !== started) return;
    watchdog = startWatchdog();
    for (const [pid, { stopSignal, graceMs }] of guarded)
      tell({ guard: { pid, signal: stopSignal, graceMs } });
  });
  return started;
}

function tell(message: object): void {
  watchdog?.child.stdin?.write(`${JSON.stringify(message)}\n`);
}
