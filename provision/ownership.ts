/**
 * Who uses a data directory. A claim file beside the data names the owning Quayside process and the
 * server it started. A claim whose owner lives is respected; one whose owner is gone is taken over,
 * after the server that it left behind, if any, was stopped: that is how the next start heals a
 * `kill -9` or a crash of the machine. Written whole and linked into place, so that of two claimants
 * exactly one gets it and nobody reads half a file.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode, identify, isRunning, type ProcessIdentity, type StopSteps, stopProcess } from './processes';

interface ClaimRecord {
  readonly owner: ProcessIdentity;
  readonly server: ProcessIdentity | null;
}

export interface Claim {
  /** Remembers the server, so that whoever claims after us can stop it. */
  recordServer(pid: number): void;
  release(): void;
}

export interface ClaimOptions {
  /** What is claimed, for messages: "the database in /data/postgres". */
  readonly what: string;
  /** How a server that its owner left behind is stopped. */
  readonly stopSteps: StopSteps;
  readonly log: (line: string) => void;
}

/** The data directory belongs to another Quayside that is running. */
export class InUseError extends Error {
  override readonly name = 'InUseError';
  constructor(
    what: string,
    readonly ownerPid: number,
  ) {
    super(
      `${what} is in use by another Quayside (process ${ownerPid}); stop that one, or give another --data-dir`,
    );
  }
}

/**
 * Claims a data directory by its claim file. Stops what a dead owner left running first.
 * Throws `InUseError` when a living process (this one included) holds it.
 */
export async function claim(file: string, options: ClaimOptions): Promise<Claim> {
  mkdirSync(dirname(file), { recursive: true });
  const owner = identify(process.pid);
  if (owner === null) throw new Error('cannot identify the own process');
  // Each round either gets the file or removes a dead claim; more than a few means that others keep
  // claiming and dying in between, which nobody can wait out.
  for (let round = 0; round < 10; round++) {
    if (create(file, { owner, server: null })) return claimed(file, owner);
    const held = read(file);
    if (held === 'gone') continue;
    if (held !== 'unreadable') {
      if (isRunning(held.record.owner)) throw new InUseError(options.what, held.record.owner.pid);
      if (held.record.server !== null && isRunning(held.record.server)) {
        options.log(
          `stopping what an earlier run left behind: ${options.what} (process ${held.record.server.pid})`,
        );
        await stopProcess(held.record.server, options.stopSteps);
      }
    }
    removeStale(file, held === 'unreadable' ? null : held.text);
  }
  throw new Error(`cannot claim ${options.what}: ${file} keeps changing hands`);
}

function claimed(file: string, owner: ProcessIdentity): Claim {
  return {
    recordServer(pid) {
      replace(file, { owner, server: identify(pid) });
    },
    release() {
      rmSync(file, { force: true });
    },
  };
}

function create(file: string, record: ClaimRecord): boolean {
  const draft = writeDraft(file, record);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function replace(file: string, record: ClaimRecord): void {
  renameSync(writeDraft(file, record), file);
}

function writeDraft(file: string, record: ClaimRecord): string {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(record));
  return draft;
}

function read(file: string): { record: ClaimRecord; text: string } | 'gone' | 'unreadable' {
  try {
    const text = readFileSync(file, 'utf8');
    const record = JSON.parse(text) as ClaimRecord;
    return typeof record.owner?.pid === 'number' ? { record, text } : 'unreadable';
  } catch (error) {
    return hasCode(error, 'ENOENT') ? 'gone' : 'unreadable';
  }
}

/** Moves a dead claim away; gives it back when a faster claimant has put its own there meanwhile. */
function removeStale(file: string, expected: string | null): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
    if (expected !== null && readFileSync(aside, 'utf8') !== expected) linkSync(aside, file);
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}
