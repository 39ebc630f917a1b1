/**
 * What the operating system says about a process. A pid alone proves nothing after a restart or in
 * a fresh container (pid 1 and its neighbours come back at once), so everything that remembers a
 * process across lives of its owner keeps its identity: the pid with the moment it started. Zombies
 * count as gone, for in a container without a reaping init they stay for ever. POSIX only.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Boot id and start tick on Linux, the start date of `ps` elsewhere; compared, never parsed. */
  readonly startedAt: string;
}

/** How a process is asked to go: each signal in turn, with how long to wait after it. */
export type StopSteps = readonly (readonly [signal: NodeJS.Signals, waitMs: number])[];

// A process that we wait for gives no event when it isn't our child. 25 ms is finer than any of the
// waits below and costs one read of /proc.
const POLL_MS = 25;

/** The identity of a running process, or null when there is none (or only its zombie). */
export function identify(pid: number): ProcessIdentity | null {
  if (!Number.isSafeInteger(pid) || pid < 1) return null;
  const startedAt = process.platform === 'linux' ? startedAtFromProc(pid) : startedAtFromPs(pid);
  return startedAt === null ? null : { pid, startedAt };
}

/** True while exactly this process runs; false when the pid is free, a zombie or somebody else's. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

/** The command line of a process, or an empty string when it can't be read. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return ps(pid, 'command=');
  } catch {
    return '';
  }
}

/** Waits until the process is gone; false when it still runs after `timeoutMs`. */
export async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isRunning(identity)) {
    if (Date.now() >= deadline) return false;
    await pause(POLL_MS);
  }
  return true;
}

/**
 * Stops a process and its group, from the polite signal to SIGKILL, and waits until it is gone.
 * Polite signals go to the leader alone, which then winds its children up in its own order; SIGKILL
 * goes to the group. Throws when even SIGKILL leaves it running for 5 s (an uninterruptible wait in
 * the kernel), for carrying on then would start a second server on the same data.
 */
export async function stopProcess(identity: ProcessIdentity, steps: StopSteps): Promise<void> {
  for (const [signal, waitMs] of steps) {
    if (!isRunning(identity)) break;
    send(identity.pid, signal);
    if (await waitUntilGone(identity, waitMs)) break;
  }
  send(-identity.pid, 'SIGKILL');
  if (isRunning(identity)) send(identity.pid, 'SIGKILL');
  if (!(await waitUntilGone(identity, 5_000))) throw new Error(`process ${identity.pid} survives SIGKILL`);
}

/** Sends a signal to a pid, or to a group when negative; a target that is gone is no error. */
export function send(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    // EPERM comes from macOS for a group whose members are all zombies.
    if (!hasCode(error, 'ESRCH') && !hasCode(error, 'EPERM')) throw error;
  }
}

/** True for a system error with this code (`ENOENT`, …; gRPC errors carry numbers). */
export function hasCode(error: unknown, code: string | number): boolean {
  // Not by instanceof: an error of Node's own realm is no Error of a test runner's sandbox.
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

/** Resolves after `ms` milliseconds, or at once when `signal` aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}

let bootId: string | undefined;

function startedAtFromProc(pid: number): string | null {
  try {
    bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name, in parentheses, may hold blanks and parentheses; fields are counted after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    const startTick = fields[19];
    if (state === 'Z' || state === 'X' || startTick === undefined) return null;
    return `${bootId}/${startTick}`;
  } catch {
    return null;
  }
}

function startedAtFromPs(pid: number): string | null {
  try {
    const line = ps(pid, 'stat=,lstart=');
    const [, state, startedAt] = /^(\S+)\s+(.+)$/.exec(line) ?? [];
    if (state === undefined || startedAt === undefined || state.startsWith('Z')) return null;
    return startedAt;
  } catch {
    return null;
  }
}

function ps(pid: number, format: string): string {
  return execFileSync('ps', ['-p', String(pid), '-o', format], { encoding: 'utf8', stdio: 'pipe' }).trim();
}
