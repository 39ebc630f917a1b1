import { randomUUID } from 'node:crypto';
import { checkIn } from '../../../checks/check';
import { rebuild } from '../../../checks/rebuild';
import { scanPack } from '../../../commands/floor/scan-pack';
import { scanPick } from '../../../commands/floor/scan-pick';
import { shipScan } from '../../../commands/floor/ship-scan';
import { shortPick } from '../../../commands/floor/short-pick';
import { ShipStep } from '../../../commands/ship-order';
import { adjustStock } from '../../../commands/stock/adjust-stock';
import { Holds } from '../../../commands/stock/holds';
import { moveStock } from '../../../commands/stock/move-stock';
import {
  closeTransfer,
  dispatchTransfer,
  receiveTransfer,
  requestTransfer,
} from '../../../commands/stock/transfer';
import { Database } from '../../../db/client';
import {
  bookErrors,
  claim,
  labelParcel,
  packNext,
  plannedOrder,
  rowsOf,
  seedCarrierAccount,
  staff,
} from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
import { type TestDatabase, testDatabase } from '../../support/postgres';

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 8 });
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

/** Two warehouses; units P1 to P4 of a product with numbers in the first one. */
async function shop(): Promise<SeededMerchant> {
  const merchant = await seedMerchant(database, {
    warehouses: [{ code: 'W1' }, { code: 'W2' }],
    products: [{ sku: 'PHONE' }],
    shortPickPolicy: 'ship_short',
  });
  await rowsOf(database, merchant, 'update product set serial_tracked = true returning id');
  await adjust(merchant, 4, ['P1', 'P2', 'P3', 'P4']);
  return merchant;
}

const adjust = (
  merchant: SeededMerchant,
  delta: number,
  serials?: readonly string[],
  locationCode: string | null = 'A-01-01',
  warehouse = 0,
) =>
  adjustStock(database, {
    merchantId: merchant.merchantId,
    causeId: randomUUID(),
    kind: 'adjustment',
    warehouseId: merchant.warehouses[warehouse]?.id ?? '',
    reason: 'counted',
    actor: 'test',
    lines: [
      {
        sku: 'PHONE',
        delta,
        ...(locationCode === null ? {} : { locationCode }),
        ...(serials === undefined ? {} : { serials }),
      },
    ],
  });

const move = (merchant: SeededMerchant, quantity: number, serials?: readonly string[]) =>
  moveStock(database, {
    merchantId: merchant.merchantId,
    causeId: randomUUID(),
    warehouseId: merchant.warehouses[0]?.id ?? '',
    reason: 'tidied',
    actor: 'test',
    lines: [
      {
        sku: 'PHONE',
        quantity,
        fromCode: 'A-01-01',
        toCode: 'A-01-02',
        ...(serials === undefined ? {} : { serials }),
      },
    ],
  });

const where = async (merchant: SeededMerchant) =>
  Object.fromEntries(
    (
      await rowsOf<{ serial: string; code: string }>(
        database,
        merchant,
        'select s.serial, l.code from serial_unit s join location l on l.id = s.location_id order by 1',
      )
    ).map(({ serial, code }) => [serial, code]),
  );

async function expectBooks(merchant: SeededMerchant): Promise<void> {
  expect(await bookErrors(database, merchant)).toEqual([]);
  const reader = new Database({ appUrl: server.checkUrl, systemUrl: server.checkUrl, poolSize: 1 });
  try {
    const { findings } = await reader.withSystem((tx) => checkIn(tx));
    expect(findings.filter(({ invariant, ok }) => ['1', '2', '3'].includes(invariant) && !ok)).toEqual([]);
  } finally {
    await reader.close();
  }
}

const refusal = (message: string | RegExp) =>
  expect.objectContaining({
    type: 'InvalidInput',
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  });

describe('units with numbers', () => {
  it('are one place each: a number comes once, moves from where it is, and never without being named', async () => {
    const merchant = await shop();
    await expect(adjust(merchant, 1)).rejects.toEqual(refusal(/has serial numbers/));
    await expect(adjust(merchant, 1, ['P1'])).rejects.toEqual(refusal('P1 is in a warehouse already'));
    await expect(adjust(merchant, 2, ['P9', 'P9'])).rejects.toEqual(
      refusal('a serial number is named twice'),
    );
    await expect(adjust(merchant, 2, ['P9'])).rejects.toEqual(refusal('2 units move, 1 are named'));
    await expect(move(merchant, 1)).rejects.toEqual(refusal(/name those that move/));
    await expect(move(merchant, 1, ['P9'])).rejects.toEqual(refusal('P9 is not there'));
    await move(merchant, 2, ['P2', 'P4']);
    expect(await where(merchant)).toEqual({ P1: 'A-01-01', P2: 'A-01-02', P3: 'A-01-01', P4: 'A-01-02' });
    await expect(adjust(merchant, -1, ['P2'])).rejects.toEqual(refusal('P2 is not there'));
    await expect(adjust(merchant, -1)).rejects.toEqual(refusal(/name those that move/));
    await expect(adjust(merchant, -1, ['P1'], null)).rejects.toEqual(refusal(/where the named units are/));
    await adjust(merchant, -1, ['P1']);
    expect((await where(merchant)).P1).toBe('ADJUSTMENT');
    // Found again.
    await adjust(merchant, 1, ['P1']);
    expect((await where(merchant)).P1).toBe('A-01-01');
    await expectBooks(merchant);
  });

  it('race for one place: a number that two bring in at once, in two warehouses, comes in once', async () => {
    const merchant = await shop();
    for (let round = 0; round < 15; round += 1) {
      const done = await Promise.allSettled(
        Array.from({ length: 4 }, (_, n) => adjust(merchant, 1, [`Q${round}`], 'A-01-01', n % 2)),
      );
      expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
    await expectBooks(merchant);
  });

  it('are picked by their numbers, each once and from its bin, and it is known who got which', async () => {
    const merchant = await shop();
    await seedCarrierAccount(database, merchant);
    await move(merchant, 1, ['P4']);
    const orderId = await plannedOrder(database, merchant, [{ sku: 'PHONE', quantity: 2 }]);
    const task = await claim(database, merchant, 'pick');
    const scan = (code: string, locationCode = 'A-01-01') =>
      scanPick(database, staff(merchant), { taskId: task.taskId, code, locationCode, eventId: randomUUID() });
    await expect(scan('PHONE')).rejects.toEqual(refusal('scan the serial number of the unit'));
    await expect(scan('P4')).rejects.toEqual(refusal('P4 should be at A-01-02'));
    await scan('P3');
    await expect(scan('P3')).rejects.toEqual(refusal('P3 was scanned before'));
    await expect(scan('P3')).rejects.toMatchObject({ details: { expected: { sku: 'PHONE' } } });
    expect(await scan('P1')).toMatchObject({ taskState: 'done' });
    expect(await where(merchant)).toEqual({ P1: 'PACK-1', P2: 'A-01-01', P3: 'PACK-1', P4: 'A-01-02' });
    const pack = await claim(database, merchant, 'pack');
    const packing = { taskId: pack.taskId, code: 'P1', eventId: randomUUID() };
    expect(await scanPack(database, staff(merchant), packing)).toMatchObject({ complete: false });
    const parcelId = await packNext(database, merchant);
    await labelParcel(database, merchant, parcelId);
    await shipScan(database, staff(merchant), { parcel: { id: parcelId }, eventId: randomUUID() });
    const [part] = await rowsOf<{ id: string }>(database, merchant, 'select id from fulfilment_order');
    const { merchantId } = merchant;
    await new ShipStep(database).run({ merchantId, fulfilmentOrderId: part?.id ?? '' });
    expect(await where(merchant)).toEqual({ P1: 'CUSTOMER', P2: 'A-01-01', P3: 'CUSTOMER', P4: 'A-01-02' });
    const got = await rowsOf(
      database,
      merchant,
      `select m.serial, c.order_id from stock_ledger_serial m join stock_cause c on c.id = m.cause_id and c.kind = 'ship' order by 1`,
    );
    expect(got).toEqual([
      { serial: 'P1', order_id: orderId },
      { serial: 'P3', order_id: orderId },
    ]);
    await expectBooks(merchant);
  });

  it('that a picker does not find are in doubt by their numbers', async () => {
    const merchant = await shop();
    await plannedOrder(database, merchant, [{ sku: 'PHONE', quantity: 3 }]);
    const task = await claim(database, merchant, 'pick');
    const [line] = task.lines;
    const scan = { taskId: task.taskId, code: 'P2', locationCode: 'A-01-01', eventId: randomUUID() };
    await scanPick(database, staff(merchant), scan);
    await shortPick(database, staff(merchant), {
      taskId: task.taskId,
      taskLineId: line?.taskLineId ?? '',
      found: 1,
      eventId: randomUUID(),
    });
    expect(await where(merchant)).toEqual({ P1: 'QUAR-1', P2: 'PACK-1', P3: 'QUAR-1', P4: 'A-01-01' });
    await expectBooks(merchant);
  });

  it('travel named, arrive named, and are lost named', async () => {
    const merchant = await shop();
    const { transferId } = await requestTransfer(database, {
      merchantId: merchant.merchantId,
      key: randomUUID(),
      reference: null,
      fromWarehouseId: merchant.warehouses[0]?.id ?? '',
      toWarehouseId: merchant.warehouses[1]?.id ?? '',
      expectedAt: null,
      reason: 'rebalance',
      actor: 'test',
      lines: [{ sku: 'PHONE', quantity: 3 }],
    });
    const posting = () => ({
      merchantIds: [merchant.merchantId],
      transferId,
      key: randomUUID(),
      actor: 'test',
    });
    const send = (serials?: readonly string[]) =>
      dispatchTransfer(database, {
        ...posting(),
        lines: [{ sku: 'PHONE', quantity: 3, fromCode: 'A-01-01', ...(serials ? { serials } : {}) }],
      });
    const take = (serials?: readonly string[]) =>
      receiveTransfer(database, {
        ...posting(),
        lines: [{ sku: 'PHONE', quantity: 1, toCode: 'A-01-03', ...(serials ? { serials } : {}) }],
      });
    await expect(send()).rejects.toEqual(refusal(/name those that move/));
    await send(['P1', 'P2', 'P3']);
    await expect(take()).rejects.toEqual(refusal(/name those that came/));
    await expect(take(['P4'])).rejects.toEqual(refusal('P4 is not on this way'));
    await take(['P2']);
    await closeTransfer(database, { ...posting(), reason: 'gone' });
    expect(await where(merchant)).toEqual({
      P1: 'ADJUSTMENT',
      P2: 'A-01-03',
      P3: 'ADJUSTMENT',
      P4: 'A-01-01',
    });
    await expectBooks(merchant);
  });

  it('come back from the ledger when their places were lost', async () => {
    const merchant = await shop();
    await move(merchant, 1, ['P4']);
    const before = await where(merchant);
    await rowsOf(
      database,
      merchant,
      `update serial_unit set location_id = (select location_id from bin_balance where warehouse_id = $1 limit 1), lot_code = 'X' returning serial`,
      [merchant.warehouses[0]?.id],
    );
    const { differences } = await rebuild({ appUrl: server.appUrl, systemUrl: server.systemUrl });
    expect(differences.filter(({ table }) => table === 'serial_unit')).toHaveLength(4);
    expect(await where(merchant)).toEqual(before);
    await expectBooks(merchant);
  });

  it('stay in the ledger as they were written', async () => {
    const merchant = await shop();
    for (const statement of [
      "update stock_ledger_serial set serial = 'X'",
      'delete from stock_ledger_serial',
    ])
      await expect(rowsOf(database, merchant, statement)).rejects.toThrow(/permission denied/);
  });
});

describe('handed over from a hold', () => {
  const holds = () => new Holds(database);
  async function hold(merchant: SeededMerchant, quantity: number): Promise<string> {
    const outcome = await holds().reserve({
      merchantId: merchant.merchantId,
      stepKey: randomUUID(),
      lines: [
        {
          productId: merchant.products.get('PHONE') ?? '',
          quantity,
          warehouseIds: merchant.warehouses.map(({ id }) => id),
        },
      ],
      allOrNothing: true,
      keepMs: 3_600_000,
    });
    return outcome.kind === 'reserved' ? outcome.holdId : '';
  }
  const handOver = (merchant: SeededMerchant, holdId: string, serials: readonly string[], key: string) =>
    holds().consume({
      merchantId: merchant.merchantId,
      stepKey: key,
      holdId,
      actor: 'test',
      serials: serials.map((serial) => ({ productId: merchant.products.get('PHONE') ?? '', serial })),
    });
  const inside = async (merchant: SeededMerchant) =>
    (
      await rowsOf<{ serial: string }>(
        database,
        merchant,
        `select s.serial from serial_unit s join location l on l.id = s.location_id and l.warehouse_id is not null order by 1`,
      )
    ).map(({ serial }) => serial);

  it('units go by their numbers, once, whatever others are there', async () => {
    const merchant = await shop();
    const holdId = await hold(merchant, 2);
    const first = await handOver(merchant, holdId, ['P2', 'P4'], 'counter');
    expect(first).toMatchObject({ kind: 'ended', state: 'consumed', units: [{ quantity: 2 }] });
    expect(await handOver(merchant, holdId, ['P2', 'P4'], 'counter')).toEqual(first);
    expect(await inside(merchant)).toEqual(['P1', 'P3']);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it.each<[what: string, serials: readonly string[]]>([
    ['not named', []],
    ['named in part', ['P1']],
    ['of a number that nobody knows', ['P1', 'P9']],
    ['more than are held', ['P1', 'P2', 'P3']],
  ])('units that are %s stay', async (_what, serials) => {
    const merchant = await shop();
    const holdId = await hold(merchant, 2);
    await expect(handOver(merchant, holdId, serials, 'counter')).rejects.toMatchObject({
      type: 'InvalidInput',
    });
    expect(await inside(merchant)).toEqual(['P1', 'P2', 'P3', 'P4']);
    expect(await handOver(merchant, holdId, ['P1', 'P3'], 'counter again')).toMatchObject({ kind: 'ended' });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });
});
