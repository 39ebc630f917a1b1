/**
 * Where binaries that are costly to get are kept: outside the clone, so that a second clone or a
 * `git clean` doesn't fetch them again. `QUAYSIDE_CACHE` moves it. What is put there is built under
 * a temporary name and renamed, so that a cache never holds half a thing; two processes that want
 * the same thing do the work once, the second waits.
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { claim, InUseError } from './ownership';
import { pause } from './processes';

/** The cache directory: `QUAYSIDE_CACHE`, else `~/.cache/quayside`. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const given = env.QUAYSIDE_CACHE;
  return given === undefined || given === '' ? join(homedir(), '.cache', 'quayside') : resolve(given);
}

/**
 * Runs `work` while no other process does work under the same name in the cache; waits for as long
 * as a living process holds it, and takes over from a dead one.
 */
export async function oncePerCache<T>(
  name: string,
  log: (line: string) => void,
  work: () => Promise<T>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<T> {
  const file = join(cacheDir(env), `${name}.lock`);
  for (let said = false; ; said = true) {
    try {
      const held = await claim(file, { what: `the making of ${name}`, stopSteps: [], log });
      try {
        return await work();
      } finally {
        held.release();
      }
    } catch (error) {
      if (!(error instanceof InUseError)) throw error;
      if (!said) log(`waiting for process ${error.ownerPid}, which is already fetching ${name}`);
      // The shortest of these works takes seconds; a quarter of one is lost at most.
      await pause(250);
    }
  }
}
