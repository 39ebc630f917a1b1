import { checkIn } from '../../checks/check';
import { rebuild } from '../../checks/rebuild';
import { makeWorld, type World } from './world';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
}, 60_000);
afterAll(() => world.drop());

const run = (text: string) =>
  world.database.withMerchants([world.merchant.merchantId], (tx) => tx.run({ text }));
const balances = () =>
  world.database.withMerchants([world.merchant.merchantId], async (tx) => ({
    stock: await tx.rows({ text: 'select * from stock_balance order by warehouse_id, product_id' }),
    bins: await tx.rows({ text: 'select * from bin_balance order by location_id, product_id, lot_code' }),
  }));
const booksHold = () =>
  world.tampered([], async (tx) => (await checkIn(tx)).findings.slice(0, 3).every(({ ok }) => ok));

test('where nothing differs, nothing is changed', async () => {
  const before = await balances();
  expect((await rebuild(world.urls)).differences).toEqual([]);
  expect(await balances()).toEqual(before);
});

test('balances that were changed come back as the ledger, reservations and allocations say', async () => {
  const before = await balances();
  await run('update stock_balance set on_hand = on_hand + 7, reserved = 0');
  await run('update bin_balance set on_hand = on_hand + 2, allocated = 0');
  expect(await booksHold()).toBe(false);
  const said = await rebuild(world.urls, { dryRun: true });
  expect(await booksHold()).toBe(false);
  const { differences } = await rebuild(world.urls);
  expect(differences).toEqual(said.differences);
  expect(differences.every(({ fixed }) => fixed)).toBe(true);
  expect(differences.length).toBe(before.stock.length + before.bins.length);
  expect(differences[0]).toMatchObject({
    table: 'stock_balance',
    was: expect.stringContaining('0 reserved'),
  });
  expect(await balances()).toEqual(before);
  expect(await booksHold()).toBe(true);
});

test('a balance that is missing is made, one without any movement becomes zero', async () => {
  const before = await balances();
  const other = world.merchant.products.get('B') as string;
  const place = world.merchant.warehouses[0]?.damagedId as string;
  const warehouse = world.merchant.warehouses[0]?.id as string;
  // The application can't delete a balance; a bin of nothing is as far as a bug can go.
  await run(
    `insert into bin_balance (merchant_id, location_id, product_id, warehouse_id, on_hand)
     values ('${world.merchant.merchantId}', '${place}', '${other}', '${warehouse}', 4)`,
  );
  const { differences } = await rebuild(world.urls);
  expect(differences).toMatchObject([
    { table: 'bin_balance', was: '4 on hand, 0 allocated', is: '0 on hand, 0 allocated' },
  ]);
  const after = await balances();
  expect(after.bins.length).toBe(before.bins.length + 1);
  expect(await booksHold()).toBe(true);
});

test('where more is promised than is there, the row is named and left to a person', async () => {
  const [victim] = (await balances()).stock.filter((row) => (row as { reserved: number }).reserved > 0);
  expect(victim).toBeDefined();
  await run(
    "update reservation set quantity = quantity + 1000 where state = 'allocated' and order_id is not null",
  );
  const { differences } = await rebuild(world.urls);
  expect(differences.filter(({ fixed }) => !fixed)).toHaveLength(1);
  await run(
    "update reservation set quantity = quantity - 1000 where state = 'allocated' and order_id is not null",
  );
  expect((await rebuild(world.urls)).differences).toEqual([]);
});
