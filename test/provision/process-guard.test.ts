import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { closeGuard, spawnGuarded, watchdogPid } from '../../provision/process-guard';
import {
  identify,
  isRunning,
  type ProcessIdentity,
  pause,
  send,
  waitUntilGone,
} from '../../provision/processes';
import { exitOf } from '../../provision/running';

// Each test starts a handful of processes on a machine that is busy with others.
jest.setTimeout(60_000);

const GUARD = join(__dirname, '../../provision/process-guard');

let directory: string;
const strays: ProcessIdentity[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quayside-guard-'));
});
afterEach(async () => {
  for (const stray of strays.splice(0)) if (isRunning(stray)) send(stray.pid, 'SIGKILL');
  await closeGuard();
  rmSync(directory, { recursive: true, force: true });
});

function existing(pid: number | undefined): ProcessIdentity {
  const identity = identify(pid ?? 0);
  if (identity === null) throw new Error(`process ${pid} is not there`);
  strays.push(identity);
  return identity;
}

/** A parent in a process of its own that guards these shell scripts and then does nothing. */
async function parentOf(
  ...scripts: string[]
): Promise<{ parent: ChildProcess; pids: number[]; watchdog: number }> {
  const program = `
    const { spawnGuarded, watchdogPid } = require(${JSON.stringify(GUARD)});
    (async () => {
      const pids = [];
      for (const script of JSON.parse(process.argv[1])) {
        const options = { stdio: 'ignore', stopSignal: 'SIGTERM', graceMs: 1000 };
        pids.push((await spawnGuarded('sh', ['-c', script], options)).pid);
      }
      console.log(JSON.stringify({ pids, watchdog: watchdogPid() }));
      setInterval(() => {}, 1000);
    })();`;
  const parent = spawn(process.execPath, ['--import', 'tsx', '-e', program, JSON.stringify(scripts)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve) => {
    createInterface({ input: parent.stdout }).once('line', resolve);
  });
  return { parent, ...(JSON.parse(line) as { pids: number[]; watchdog: number }) };
}

/** The pid that a shell script writes to a file once it is up. */
async function pidFrom(file: string): Promise<number> {
  while (!existsSync(file) || readFileSync(file, 'utf8').trim() === '') await pause(20);
  return Number(readFileSync(file, 'utf8'));
}

test('a kill -9 of the parent ends its children politely, then the stubborn and all grandchildren, then the watchdog', async () => {
  const polite = join(directory, 'polite');
  const grandchild = join(directory, 'grandchild');
  const up = join(directory, 'up');
  const { parent, pids, watchdog } = await parentOf(
    `trap 'echo asked > ${polite}; exit 0' TERM; echo $$ > ${up}; while :; do sleep 0.05; done`,
    `trap '' TERM; sleep 1000 & echo $! > ${grandchild}; while :; do sleep 0.05; done`,
  );
  const everybody = [...pids, watchdog, await pidFrom(grandchild)].map(existing);
  await pidFrom(up);
  parent.kill('SIGKILL');
  for (const identity of everybody) expect(await waitUntilGone(identity, 10_000)).toBe(true);
  expect(readFileSync(polite, 'utf8')).toBe('asked\n');
});

test('the watchdog outlives what a terminal or a service manager sends to everybody', async () => {
  const { parent, pids, watchdog } = await parentOf('sleep 1000');
  const child = existing(pids[0]);
  const guard = existing(watchdog);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) send(guard.pid, signal);
  parent.kill('SIGKILL');
  expect(await waitUntilGone(child, 10_000)).toBe(true);
  expect(await waitUntilGone(guard, 10_000)).toBe(true);
});

test('a watchdog that is killed is replaced, and the new one knows everybody', async () => {
  const { parent, pids, watchdog } = await parentOf('sleep 1000');
  const child = existing(pids[0]);
  const first = existing(watchdog);
  send(first.pid, 'SIGKILL');
  expect(await waitUntilGone(first, 5_000)).toBe(true);
  // The parent hears of the death and starts the next; a child that it guards anew proves nothing
  // about the old one, so the new watchdog is waited for by its name in the process list.
  const successor = await watchdogOf(parent.pid ?? 0);
  expect(successor).not.toBe(first.pid);
  parent.kill('SIGKILL');
  expect(await waitUntilGone(child, 10_000)).toBe(true);
});

test('what the group of an ended child still holds is killed with it', async () => {
  const left = join(directory, 'left');
  const child = await spawnGuarded('sh', ['-c', `sleep 1000 & echo $! > ${left}; exit 3`], {
    stdio: 'ignore',
    stopSignal: 'SIGTERM',
    graceMs: 0,
  });
  expect(await exitOf(child)).toEqual({ code: 3, signal: null });
  const pid = await pidFrom(left);
  const identity = identify(pid);
  if (identity !== null) expect(await waitUntilGone(identity, 5_000)).toBe(true);
});

test('a command that does not exist is an error of its own, and closing leaves no watchdog', async () => {
  const missing = join(directory, 'missing');
  await expect(spawnGuarded(missing, [], { stopSignal: 'SIGTERM', graceMs: 0 })).rejects.toThrow('ENOENT');
  const watchdog = existing(watchdogPid());
  await closeGuard();
  expect(isRunning(watchdog)).toBe(false);
});

async function watchdogOf(parent: number): Promise<number> {
  const { execFileSync } = await import('node:child_process');
  for (;;) {
    const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' }).split('\n');
    for (const row of rows) {
      const [, pid, ppid, state, args] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(row) ?? [];
      if (Number(ppid) === parent && !state?.startsWith('Z') && args?.includes('watchdog.js'))
        return Number(pid);
    }
    await pause(50);
  }
}
