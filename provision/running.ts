/**
 * What every started thing looks like to the supervisor, be it a database, a Temporal server or a
 * role of ours, and the few pieces their launchers share: the exit of a child as data, a log file
 * that a child writes straight into (so that it neither costs us a copy nor blocks when we are gone).
 */
import type { ChildProcess } from 'node:child_process';
import { openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { hasCode } from './processes';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Running {
  readonly pid: number;
  /** Settles, never rejects, when the process is gone, wanted or not. */
  readonly exited: Promise<Exit>;
  /** Stops it and waits; may be called again. */
  stop(): Promise<void>;
}

// A log is rotated at a start, not while it is written to; 20 MB twice is what a laptop can spare,
// and months of a server that logs warnings only.
const LOG_LIMIT_BYTES = 20_000_000;

// The last lines are what a person needs to see why a server did not start.
const TAIL_BYTES = 1_500;

/** The child's exit as a promise that never rejects. */
export function exitOf(child: ChildProcess): Promise<Exit> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  }
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

/** "exit code 1" or "SIGKILL", for messages. */
export function describeExit({ code, signal }: Exit): string {
  return signal ?? `exit code ${code ?? 'unknown'}`;
}

/** Opens a log for appending, after moving one that grew too large to `<file>.1`. `offset` is its end. */
export function openLog(file: string): { fd: number; offset: number } {
  let offset = 0;
  try {
    offset = statSync(file).size;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  if (offset > LOG_LIMIT_BYTES) {
    renameSync(file, `${file}.1`);
    offset = 0;
  }
  return { fd: openSync(file, 'a', 0o600), offset };
}

/** The end of what was written to a log since `offset`. */
export function logTail(file: string, offset: number): string {
  const written = readFileSync(file).subarray(offset);
  return `${written.subarray(-TAIL_BYTES).toString('utf8').trim()} (${file})`;
}
