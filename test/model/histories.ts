/**
 * Runs random histories through an engine and the model side by side, and compares after each command
 * what was told and what is seen. fast-check shrinks a history that differs to the shortest that does.
 */
import { deepStrictEqual } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { Database } from '../../db/client';
import { bookErrors } from '../support/floor-steps';
import { testDatabase } from '../support/postgres';
import { type Command, command, type Engine } from './commands';
import { MemoryEngine } from './memory-engine';
import { Model } from './model';
import { PostgresEngine } from './postgres-engine';

/** Long enough for queues to build up, short enough to read when it was shrunk. */
const LONGEST = 80;
/** Histories of one seed: a difference is found again with that seed, in seconds. */
const OF_ONE_SEED = 25;

const history = fc.array(command, { maxLength: LONGEST, size: 'max' });

export interface Histories {
  /** Commands; the last histories may go over it. */
  readonly atLeast: number;
  /** Of the first histories; the next ones have the next seed. */
  readonly seed: number;
  readonly onProgress?: (commands: number) => void;
}

type Run = (commands: readonly Command[]) => Promise<void>;

/** @throws Error with seed, shortest history and difference. */
export function runInMemory(histories: Histories): Promise<number> {
  return runAll(histories, (assert) => assert((commands) => sameAsModel(new MemoryEngine(), commands)));
}

/**
 * Each history has a merchant of its own, whose books must be right in the end; each seed a database, so
 * that the thousandth is as fast as the first.
 * @throws Error with seed, shortest history and difference.
 */
export function runOnPostgres(histories: Histories): Promise<number> {
  return runAll(histories, async (assert) => {
    const server = await testDatabase();
    const database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 4 });
    try {
      await assert(async (commands) => {
        const engine = await PostgresEngine.start(database);
        await sameAsModel(engine, commands);
        same(await bookErrors(database, engine.merchant), []);
      });
    } finally {
      await database.close();
      await server.drop();
    }
  });
}

async function runAll(
  { atLeast, seed, onProgress }: Histories,
  runSeed: (assert: (run: Run) => Promise<void>) => Promise<void>,
): Promise<number> {
  let count = 0;
  for (let next = seed; count < atLeast; next += 1)
    await runSeed((run) =>
      fc.assert(
        fc.asyncProperty(history, async (commands) => {
          await run(commands);
          count += commands.length;
          onProgress?.(Math.min(count, atLeast));
        }),
        { seed: next, numRuns: OF_ONE_SEED, includeErrorInReport: true },
      ),
    );
  return count;
}

async function sameAsModel(engine: Engine, commands: readonly Command[]): Promise<void> {
  const model = new Model();
  for (const [n, each] of commands.entries()) {
    const told = model.apply(each);
    const at = `after command ${n + 1}, ${JSON.stringify(each)}`;
    same({ at, told: await engine.apply(each) }, { at, told });
    same({ at, seen: await engine.see() }, { at, seen: model.see() });
  }
}

/** The assertion's own comparison takes most of the time of a history in memory; it shows differences. */
function same(is: unknown, should: unknown): void {
  if (!isDeepStrictEqual(is, should)) deepStrictEqual(is, should);
}
