import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDir, oncePerCache } from '../../provision/cache';
import { pause } from '../../provision/processes';

test('the cache lies outside the clone unless it is moved', () => {
  expect(cacheDir({})).toBe(join(homedir(), '.cache', 'quayside'));
  expect(cacheDir({ QUAYSIDE_CACHE: '' })).toBe(join(homedir(), '.cache', 'quayside'));
  expect(cacheDir({ QUAYSIDE_CACHE: '/srv/cache' })).toBe('/srv/cache');
});

test('work of one name is done by one at a time, and a failed one lets the next try', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'quayside-cache-'));
  const log: string[] = [];
  let running = 0;
  let most = 0;
  const work = async (fails: boolean): Promise<string> => {
    running += 1;
    most = Math.max(most, running);
    await pause(50);
    running -= 1;
    if (fails) throw new Error('half way');
    return 'made';
  };
  const once = (fails: boolean): Promise<string> =>
    oncePerCache(
      'thing',
      (line) => log.push(line),
      () => work(fails),
      { QUAYSIDE_CACHE: directory },
    );
  const outcomes = await Promise.allSettled([once(true), once(false), once(false)]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  expect(most).toBe(1);
  expect(log).toContain(`waiting for process ${process.pid}, which is already fetching thing`);
  rmSync(directory, { recursive: true, force: true });
});
