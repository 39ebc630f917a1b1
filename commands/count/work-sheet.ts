/**
 * A counter and his sheet: he gets the next one, begins at the place, or gives it back. Beginning writes
 * down what had moved at the place until then; the answer is compared with it (submit-count). He is never
 * told what should be there. Locks: the task, then its sheet; a second start of the same place waits on
 * the index `count_sheet_started`.
 */
import type { Database, Tx } from '../../db/client';
import {
  isPlaceTaken,
  type LockedSheet,
  lockClaimedSheet,
  lockNextSheet,
  lockSheet,
  reopenSheet,
  startSheet,
} from '../../db/count.repo';
import { type CountedProduct, findCountedProducts, readPlaceContent } from '../../db/count-place.repo';
import { findScan, insertScan, type ScanKind } from '../../db/scan.repo';
import { lockPerson, reopenTask, setTaskState } from '../../db/task.repo';
import { Failure } from '../../domain/failure-types';
import { eventIdUsed, type FloorCaller, recordedAnswer } from '../floor/scan-event';

export interface SheetView {
  readonly sheetId: string;
  readonly merchantId: string;
  readonly countId: string;
  readonly warehouseId: string;
  readonly locationCode: string;
  readonly round: number;
  readonly state: 'open' | 'started';
  /** What to count there; null: whatever lies there. */
  readonly products: readonly Pick<CountedProduct, 'sku' | 'gtin' | 'lotTracked'>[] | null;
}

/** What a person does to a sheet, once an event id. */
export interface SheetAct {
  readonly sheetId: string;
  readonly eventId: string;
}

/**
 * The person's sheet, or the next one for him; null when there is none.
 * @throws Failure NotFound when the person is none of the floor; InvalidInput when the event id was used.
 */
export function nextSheet(
  database: Database,
  caller: FloorCaller,
  { warehouseId, eventId }: { readonly warehouseId: string; readonly eventId: string },
): Promise<SheetView | null> {
  return database.withMerchants(caller.merchantIds, async (tx) => {
    const { personId } = caller;
    if (!(await lockPerson(tx, personId))) throw new Failure('NotFound', 'there is no such person');
    const before = await findScan(tx, caller.merchantIds, eventId);
    if (before !== null) return recordedAnswer<SheetView>(before, 'claim', null);
    const claimed = await lockClaimedSheet(tx, personId, warehouseId);
    if (claimed !== null) return viewSheet(tx, claimed);
    const sheet = await lockNextSheet(tx, personId, warehouseId);
    if (sheet === null) return null;
    await setTaskState(tx, { ...sheet, taskId: sheet.sheetId }, 'claimed', personId);
    const answer = await viewSheet(tx, sheet);
    await recordAct(tx, sheet, caller, eventId, { kind: 'claim', outcome: answer });
    return answer;
  });
}

/**
 * He stands at the place and begins; again: from now on.
 * @throws Failure NotFound; InvalidInput for another place than the sheet's; IllegalTransition when the sheet
 *   is not his, or the place can't be counted now.
 */
export async function startCount(
  database: Database,
  caller: FloorCaller,
  act: SheetAct & { readonly locationCode: string },
): Promise<SheetView> {
  return onOwnSheet(database, caller, act, 'count_start', async (tx, sheet) => {
    if (act.locationCode !== sheet.locationCode)
      throw new Failure('InvalidInput', 'this is not the place to count', {
        expected: { locationCode: sheet.locationCode },
      });
    if (await isPlaceTaken(tx, sheet))
      throw new Failure(
        'IllegalTransition',
        'this place is being counted, or a correction of it waits for a decision',
        { state: sheet.state },
      );
    const seen = await marksAt(tx, sheet);
    await startSheet(tx, sheet, { personId: caller.personId, seen, productIds: sheet.productIds });
    return viewSheet(tx, { ...sheet, state: 'started' });
  }).catch((error: unknown) => {
    // Two began at once: the index lets one of them.
    if ((error as { constraint?: string }).constraint !== 'count_sheet_started') throw error;
    throw new Failure('IllegalTransition', 'this place is being counted', { state: 'open' });
  });
}

/** @throws Failure NotFound; IllegalTransition when it is not his. */
export function releaseSheet(
  database: Database,
  caller: FloorCaller,
  act: SheetAct,
): Promise<{ readonly sheetId: string; readonly state: 'open' }> {
  const { sheetId } = act;
  return onOwnSheet(database, caller, act, 'release', async (tx, sheet) => {
    await reopenSheet(tx, sheet);
    await reopenTask(tx, { ...sheet, taskId: sheetId });
    return { sheetId, state: 'open' };
  });
}

/** Runs `work` once for this event on a sheet that the person has claimed. */
function onOwnSheet<Answer>(
  database: Database,
  caller: FloorCaller,
  { sheetId, eventId }: SheetAct,
  kind: 'count_start' | 'release',
  work: (tx: Tx, sheet: LockedSheet) => Promise<Answer>,
): Promise<Answer> {
  return database.withMerchants(caller.merchantIds, async (tx) => {
    const sheet = await lockSheet(tx, sheetId);
    if (sheet === null) throw new Failure('NotFound', 'there is no such sheet');
    const before = await findScan(tx, [sheet.merchantId], eventId);
    if (before !== null) return recordedAnswer<Answer>(before, kind, sheetId);
    assertOwn(sheet, caller);
    const outcome = await work(tx, sheet);
    await recordAct(tx, sheet, caller, eventId, { kind, outcome });
    return outcome;
  });
}

/** @throws Failure InvalidInput when the event id was used meanwhile. */
export async function recordAct(
  tx: Tx,
  { merchantId, sheetId }: LockedSheet,
  { personId }: FloorCaller,
  eventId: string,
  act: { readonly kind: ScanKind; readonly outcome: unknown },
): Promise<void> {
  const isNew = await insertScan(tx, { ...act, merchantId, eventId, taskId: sheetId, personId });
  if (!isNew) throw eventIdUsed();
}

export function assertOwn(sheet: LockedSheet, caller: FloorCaller): void {
  if (sheet.taskState !== 'claimed')
    throw new Failure('IllegalTransition', `the sheet is ${sheet.state}`, { state: sheet.state });
  if (sheet.claimedBy !== caller.personId)
    throw new Failure('IllegalTransition', 'somebody else has claimed this sheet', { state: sheet.state });
}

export const goodsKey = (goods: { readonly productId: string; readonly lotCode: string }) =>
  `${goods.productId}/${goods.lotCode}`;

/** What had moved at the place until now, by product and lot. */
export async function marksAt(tx: Tx, sheet: LockedSheet): Promise<Record<string, string>> {
  const content = await readPlaceContent(tx, sheet.merchantId, sheet.locationId);
  return Object.fromEntries(content.map((goods) => [goodsKey(goods), goods.mark]));
}

async function viewSheet(tx: Tx, sheet: LockedSheet): Promise<SheetView> {
  const { merchantId, productIds } = sheet;
  const products =
    productIds === null ? null : await findCountedProducts(tx, merchantId, { ids: productIds, codes: [] });
  return {
    sheetId: sheet.sheetId,
    merchantId,
    countId: sheet.countId,
    warehouseId: sheet.warehouseId,
    locationCode: sheet.locationCode,
    round: sheet.round,
    state: sheet.state === 'started' ? 'started' : 'open',
    products: products?.map(({ sku, gtin, lotTracked }) => ({ sku, gtin, lotTracked })) ?? null,
  };
}
