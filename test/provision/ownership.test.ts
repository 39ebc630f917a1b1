import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Claim, claim, InUseError } from '../../provision/ownership';
import { identify, isRunning, waitUntilGone } from '../../provision/processes';

let directory: string;
let file: string;
const log: string[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quayside-claim-'));
  file = join(directory, 'claim.json');
  log.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const take = (): Promise<Claim> =>
  claim(file, { what: 'the shelf', stopSteps: [['SIGTERM', 5_000]], log: (line) => log.push(line) });

/** The claim of a process that has ended. */
function deadOwner(): object {
  const { pid } = spawnSync('true');
  return { pid, startedAt: 'long ago' };
}

test('a claim is held until it is released, and leaves no file', async () => {
  const held = await take();
  await expect(take()).rejects.toThrow(InUseError);
  await expect(take()).rejects.toThrow(`the shelf is in use by another Quayside (process ${process.pid})`);
  held.release();
  (await take()).release();
  expect(readdirSync(directory)).toEqual([]);
});

test('the claim of a dead owner is taken over after its server was stopped, which is said', async () => {
  const server = spawn('sleep', ['1000'], { detached: true });
  const identity = identify(server.pid ?? 0);
  if (identity === null) throw new Error('no server');
  writeFileSync(file, JSON.stringify({ owner: deadOwner(), server: identity }));
  const held = await take();
  expect(isRunning(identity)).toBe(false);
  expect(log).toEqual([`stopping what an earlier run left behind: the shelf (process ${identity.pid})`]);
  held.release();
});

test('a process that only has the pid of a dead server or owner is neither respected nor stopped', async () => {
  const bystander = spawn('sleep', ['1000'], { detached: true });
  const identity = identify(bystander.pid ?? 0);
  if (identity === null) throw new Error('no bystander');
  const former = { pid: identity.pid, startedAt: 'long ago' };
  writeFileSync(file, JSON.stringify({ owner: former, server: former }));
  (await take()).release();
  expect(isRunning(identity)).toBe(true);
  bystander.kill('SIGKILL');
  await waitUntilGone(identity, 5_000);
});

test('half a file, as a full disk leaves it, is no claim', async () => {
  writeFileSync(file, '{"owner":{"pid":1');
  const held = await take();
  held.recordServer(process.pid);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    owner: identify(process.pid),
    server: identify(process.pid),
  });
  held.release();
});

test('of many that take over at once exactly one gets it', async () => {
  writeFileSync(file, JSON.stringify({ owner: deadOwner(), server: null }));
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, take));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});
