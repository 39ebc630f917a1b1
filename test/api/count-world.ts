/** Count routes of the sweep, and a sheet in the right state for each of them. */
import { randomUUID } from 'node:crypto';
import { planCount } from '../../commands/count/plan-count';
import { nextSheet, startCount } from '../../commands/count/work-sheet';
import type { Database } from '../../db/client';
import { staff, warehouseOf } from '../support/floor-steps';
import type { SeededMerchant } from '../support/merchant';

export const COUNT_THINGS = [
  'countId',
  'countToCancel',
  'sheetToStart',
  'sheetToSubmit',
  'sheetToRelease',
] as const;
type Persons = 'scanner' | 'shorter' | 'releaser' | 'claimer';
export type CountWorld = Readonly<Record<(typeof COUNT_THINGS)[number] | Persons | 'warehouseId', string>>;

export const COUNT_ROUTES: Readonly<
  Record<string, (w: CountWorld) => { readonly path: string; readonly body?: unknown }>
> = {
  createCount: (w) => ({
    path: '/v1/counts',
    body: { warehouseId: w.warehouseId, reason: 'asked', locationCodes: ['A-01-02'] },
  }),
  listCounts: () => ({ path: '/v1/counts' }),
  getCount: (w) => ({ path: `/v1/counts/${w.countId}` }),
  cancelCount: (w) => ({ path: `/v1/counts/${w.countToCancel}/cancel`, body: { reason: 'asked' } }),
  getInventoryAccuracy: () => ({ path: '/v1/stock/accuracy' }),
  nextCountSheet: (w) => ({
    path: '/v1/floor/counts/next',
    body: { warehouseId: w.warehouseId, personId: w.claimer },
  }),
  startCountSheet: (w) => ({
    path: `/v1/floor/counts/${w.sheetToStart}/start`,
    body: { locationCode: 'QUAR-1', personId: w.shorter },
  }),
  submitCountSheet: (w) => ({
    path: `/v1/floor/counts/${w.sheetToSubmit}/submit`,
    body: { lines: [], personId: w.scanner },
  }),
  releaseCountSheet: (w) => ({
    path: `/v1/floor/counts/${w.sheetToRelease}/release`,
    body: { personId: w.releaser },
  }),
};

/** Sheets of places that no other route of the sweep touches. */
export async function makeCountWorld(database: Database, merchant: SeededMerchant) {
  const { merchantId } = merchant;
  const warehouseId = warehouseOf(merchant).id;
  const plan = async (locationCode: string) =>
    (
      await planCount(database, {
        merchantId,
        key: randomUUID(),
        warehouseId,
        class: null,
        skus: [],
        locationCodes: [locationCode],
        mostPlaces: 1,
        reason: 'demo count',
        actor: 'test',
      })
    ).countId;
  const claimed = async (locationCode: string, n: number) => {
    const countId = await plan(locationCode);
    const sheet = await nextSheet(database, staff(merchant, n), { warehouseId, eventId: randomUUID() });
    if (sheet?.countId !== countId) throw new Error(`no sheet of ${locationCode}`);
    return sheet.sheetId;
  };
  const sheetToSubmit = await claimed('DAM-1', 0);
  await startCount(database, staff(merchant, 0), {
    sheetId: sheetToSubmit,
    locationCode: 'DAM-1',
    eventId: randomUUID(),
  });
  return {
    sheetToSubmit,
    sheetToStart: await claimed('QUAR-1', 1),
    sheetToRelease: await claimed('DOCK-1', 2),
    countId: await plan('A-01-03'),
    countToCancel: await plan('A-01-03'),
  };
}
