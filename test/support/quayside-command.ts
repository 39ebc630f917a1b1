/**
 * The `quayside` command as a person runs it: a process of its own. Every process that it brings forth,
 * however re-parented, is known by a mark in its environment (where /proc shows environments) or by the
 * data directory in its command line.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../provision/ports';

const COMMAND = join(__dirname, '..', '..', 'bin', 'quayside.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that is expected to end; killed after `timeoutMs`. */
export async function quayside(
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly timeoutMs?: number } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    env: { ...environment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 60_000,
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout: stdout(), stderr: stderr() };
}

export interface RunningCommand {
  readonly child: ChildProcess;
  /** What it has said so far. */
  said(): string;
  /** Resolves when it has said this; rejects when it ends before, or after `timeoutMs`. */
  says(text: string, timeoutMs: number): Promise<void>;
  /** Settles with the exit code, null after a signal. */
  readonly ended: Promise<number | null>;
  /** Its processes that still live, the command itself included, as `ps` shows them. */
  processes(): string[];
}

/** A command that runs until it is stopped. */
export function startQuayside(
  dataDir: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): RunningCommand {
  const mark = randomUUID();
  const child = spawn(process.execPath, [COMMAND, ...args, '--data-dir', dataDir], {
    env: { ...environment(), ...env, QUAYSIDE_TEST_MARK: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const said = (): string => stdout() + stderr();
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let over = false;
  void ended.then(() => {
    over = true;
  });
  return {
    child,
    said,
    ended,
    async says(text, timeoutMs) {
      const deadline = Date.now() + timeoutMs;
      while (!said().includes(text)) {
        if (over || Date.now() > deadline)
          throw new Error(`${over ? 'it ended' : 'waited'} without saying "${text}":\n${said()}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    processes: () => processesOf(dataDir, mark),
  };
}

/** A new directory for an engine's data. */
export function newDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'quayside-cli-'));
}

/** `--ports` with free ones for everything, so that engines of several tests don't meet. */
export async function freePorts(): Promise<string> {
  const names = [
    'api',
    'ui',
    'temporal',
    'postgres',
    'codec',
    'shop',
    'webhook-shop',
    'carrier',
    'mail',
    'smtp',
  ];
  const ports = await Promise.all(names.map(freePort));
  return names.map((name, index) => `${name}=${ports[index]}`).join(',');
}

/** A server that happens to be configured here is not what these tests are about. */
function environment(): NodeJS.ProcessEnv {
  const { DATABASE_URL: _database, TEMPORAL_ADDRESS: _temporal, NODE_ENV: _env, ...rest } = process.env;
  return rest;
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}

function processesOf(dataDir: string, mark: string): string[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  const marked = new Set(
    readdirIfThere('/proc').filter((pid) => readIfThere(`/proc/${pid}/environ`).includes(mark)),
  );
  return lines.filter((line) => {
    const [pid = '', state = ''] = line.trim().split(/\s+/);
    // A zombie has ended; in a container nobody may ever reap it.
    return !state.startsWith('Z') && (line.includes(dataDir) || marked.has(pid));
  });
}

function readdirIfThere(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
