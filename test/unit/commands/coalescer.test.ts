import { Coalescer } from '../../../commands/coalescer';
import { Failure } from '../../../domain/failure-types';

/** A database that answers when it is told to, and knows what it was asked. */
function slow(fails: (batch: readonly number[]) => Error | null = () => null) {
  const batches: number[][] = [];
  const open: (() => void)[] = [];
  let atWork = 0;
  let most = 0;
  const run = async (batch: readonly number[]): Promise<readonly string[]> => {
    batches.push([...batch]);
    atWork += 1;
    most = Math.max(most, atWork);
    await new Promise<void>((resolve) => open.push(resolve));
    atWork -= 1;
    const error = fails(batch);
    if (error) throw error;
    return batch.map((n) => `answer ${n}`);
  };
  /** Lets batches end until nothing more begins. */
  const finish = async () => {
    for (let idle = 0; idle < 3; idle += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = open.shift();
      if (next === undefined) continue;
      next();
      idle = -1;
    }
  };
  return { run, batches, finish, most: () => most };
}

test('callers of one moment share a batch, those who come meanwhile share the next, one at a time', async () => {
  const database = slow();
  const coalescer = new Coalescer(database.run);
  const first = [1, 2, 3].map((n) => coalescer.submit(n));
  await new Promise((resolve) => setImmediate(resolve));
  const second = [4, 5].map((n) => coalescer.submit(n));
  await database.finish();
  expect(await Promise.all([...first, ...second])).toEqual([1, 2, 3, 4, 5].map((n) => `answer ${n}`));
  expect(database.batches).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  expect(database.most()).toBe(1);
});

test('no batch is larger than it may be, and nobody is forgotten', async () => {
  const database = slow();
  const coalescer = new Coalescer(database.run, 2);
  const told = Promise.all([1, 2, 3, 4, 5].map((n) => coalescer.submit(n)));
  await database.finish();
  expect(await told).toHaveLength(5);
  expect(database.batches).toEqual([[1, 2], [3, 4], [5]]);
});

test('a request that breaks its batch fails alone', async () => {
  const poison = new Error('poison');
  const database = slow((batch) => (batch.includes(3) ? poison : null));
  const coalescer = new Coalescer(database.run);
  const told = Promise.allSettled([1, 2, 3, 4, 5].map((n) => coalescer.submit(n)));
  await database.finish();
  expect((await told).map((each) => (each.status === 'fulfilled' ? each.value : each.reason))).toEqual([
    'answer 1',
    'answer 2',
    poison,
    'answer 4',
    'answer 5',
  ]);
  expect(database.most()).toBe(1);
});

test('a database that is away is asked once for all, and the next callers again', async () => {
  let away = true;
  const database = slow(() => (away ? new Failure('DatabaseUnavailable', 'away') : null));
  const coalescer = new Coalescer(database.run);
  const told = Promise.allSettled([1, 2, 3, 4].map((n) => coalescer.submit(n)));
  await database.finish();
  expect((await told).every(({ status }) => status === 'rejected')).toBe(true);
  expect(database.batches).toEqual([[1, 2, 3, 4]]);
  away = false;
  const again = coalescer.submit(5);
  await database.finish();
  expect(await again).toBe('answer 5');
});
