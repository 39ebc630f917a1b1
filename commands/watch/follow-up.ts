/**
 * Does something about an alert, once an alert and action: the alert is locked and the row is written in the
 * transaction of the deed, so that a second click, or another person's, finds what the first one did. A transfer is
 * asked for in a transaction of its own under a key made from the alert, so that a repeat finds it.
 */
import { uuidv7 } from 'uuidv7';
import { audit } from '../../db/audit-log.repo';
import { servingWarehouses } from '../../db/channel-listing-write.repo';
import type { Database, Tx } from '../../db/client';
import {
  type FollowUpRow,
  insertFollowUp,
  listFollowUps,
  listingsToChange,
  type NewFollowUp,
  readSpread,
} from '../../db/follow-up.repo';
import { enqueue } from '../../db/outbox.repo';
import { type AlertRow, endpointsFor, listAlerts, lockAlert } from '../../db/stock-alert.repo';
import { Failure } from '../../domain/failure-types';
import { type FollowUpAction, shareLeft, unitsWanted } from '../../domain/stock/follow-up';
import type { Editor } from '../catalogue/change-product';
import { changeListing } from '../channels/change-listings';
import { requestTransfer } from '../stock/transfer';

/** What somebody may say; the alert says the rest. */
export interface FollowUpChoice {
  readonly action: FollowUpAction;
  /** Of a purchase or a transfer. */
  readonly quantity?: number | undefined;
  /** Of a transfer: default the warehouse that has the most. */
  readonly fromWarehouseId?: string | undefined;
  /** Of a transfer: default the rule's. */
  readonly toWarehouseId?: string | undefined;
  /** Of a shift: the channel that gets more; default the rule's. */
  readonly connectionId?: string | undefined;
}

type Deed = Pick<NewFollowUp, 'state' | 'owner' | 'quantity' | 'detail'>;

/**
 * @throws Failure NotFound for the alert or what the choice names; InvalidInput when the choice lacks what
 *   the alert does not say; IllegalTransition when there is nothing to do it with.
 */
export async function followUp(
  database: Database,
  merchantIds: readonly string[],
  alertId: string,
  choice: FollowUpChoice,
  editor: Editor,
): Promise<{ readonly row: FollowUpRow; readonly again: boolean }> {
  const inScope = <T>(work: (tx: Tx) => Promise<T>) => database.withMerchants(merchantIds, work);
  const [alert] = await inScope((tx) => listAlerts(tx, merchantIds, { id: alertId }, null, 1));
  if (alert === undefined) throw new Failure('NotFound', 'there is no such alert');
  const { action } = choice;
  const found = (tx: Tx) => listFollowUps(tx, [alert.merchantId], { alertId, action }, null, 1);
  const [before] = await inScope(found);
  if (before !== undefined) return { row: before, again: true };
  const transfer = action === 'transfer' ? await askForTransfer(database, alert, choice, editor) : null;
  return inScope(async (tx) => {
    await lockAlert(tx, alert.merchantId, alertId);
    const [meanwhile] = await found(tx);
    if (meanwhile !== undefined) return { row: meanwhile, again: true };
    const id = uuidv7();
    const head = { id, merchantId: alert.merchantId, alertId, action, requestedBy: editor.actor };
    const deed = transfer ?? (await prepare(tx, alert, choice));
    await insertFollowUp(tx, { ...head, ...deed });
    await act(tx, alert, deed, action, editor);
    await audit(tx, {
      ...editor,
      merchantId: alert.merchantId,
      action: `stock_alert.${action}`,
      thingKind: 'stock_alert',
      thingId: alertId,
      after: { followUpId: id, ...deed },
    });
    const [row] = await found(tx);
    return { row: row as FollowUpRow, again: false };
  });
}

const wanted = (alert: AlertRow, choice: FollowUpChoice): number =>
  choice.quantity ?? unitsWanted(alert.level, alert, alert.limitKind === 'units' ? alert.atMost : null);

async function prepare(tx: Tx, alert: AlertRow, choice: FollowUpChoice): Promise<Deed> {
  const { merchantId, productId, sku } = alert;
  const done = { state: 'done' as const, owner: null, quantity: null };
  switch (choice.action) {
    case 'expedite_po':
      return {
        state: 'draft',
        owner: alert.owner,
        quantity: wanted(alert, choice),
        detail: { productId, sku, warehouseId: alert.warehouseId },
      };
    case 'pause_listings': {
      const listings = (await listingsToChange(tx, merchantId, productId)).filter(
        (listing) =>
          !listing.paused && (alert.connectionId === null || listing.connectionId === alert.connectionId),
      );
      if (listings.length === 0)
        throw new Failure('IllegalTransition', 'no listing of it is shown', { state: 'paused' });
      return { ...done, detail: { listingIds: listings.map(({ id }) => id) } };
    }
    case 'shift_channels': {
      const to = choice.connectionId ?? alert.connectionId;
      if (to === null) throw new Failure('InvalidInput', 'say which channel gets more');
      const listings = await listingsToChange(tx, merchantId, productId);
      const shares = listings
        .map(({ id, connectionId, sharePercent }) => ({
          listingId: id,
          from: sharePercent,
          to: connectionId === to ? 100 : shareLeft(sharePercent),
        }))
        .filter((share) => share.from !== share.to);
      if (!listings.some(({ connectionId }) => connectionId === to))
        throw new Failure('InvalidInput', 'the channel does not list it');
      if (shares.length === 0)
        throw new Failure('IllegalTransition', 'it has all there is already', { state: 'shifted' });
      return { ...done, detail: { connectionId: to, shares } };
    }
    default: {
      const endpointIds = await endpointsFor(tx, merchantId, MARKETING_EVENT);
      if (endpointIds.length === 0)
        throw new Failure('IllegalTransition', `no webhook endpoint takes ${MARKETING_EVENT}`, {
          state: 'nobody listens',
        });
      return { ...done, detail: { endpointIds } };
    }
  }
}

const MARKETING_EVENT = 'stock.marketing_asked';

async function act(
  tx: Tx,
  alert: AlertRow,
  { detail }: Deed,
  action: FollowUpAction,
  editor: Editor,
): Promise<void> {
  const { merchantId, id: alertId } = alert;
  if (action === 'pause_listings')
    for (const listingId of detail['listingIds'] as readonly string[])
      await changeListing(tx, [merchantId], listingId, { paused: true }, null, editor);
  if (action === 'shift_channels')
    for (const share of detail['shares'] as readonly { listingId: string; to: number }[])
      await changeListing(tx, [merchantId], share.listingId, { sharePercent: share.to }, null, editor);
  if (action === 'tell_marketing')
    await enqueue(
      tx,
      (detail['endpointIds'] as readonly string[]).map((endpointId) => ({
        merchantId,
        kind: 'webhook',
        key: `stock-alert:${alertId}:marketing:${endpointId}`,
        orderId: null,
        lane: endpointId,
        payload: {
          endpointId,
          type: MARKETING_EVENT,
          data: {
            alertId,
            productId: alert.productId,
            sku: alert.sku,
            connectionId: alert.connectionId,
            level: alert.level,
            ask: 'hold_back',
          },
        },
      })),
    );
}

async function askForTransfer(
  database: Database,
  alert: AlertRow,
  choice: FollowUpChoice,
  editor: Editor,
): Promise<Deed> {
  const { merchantId, productId, id: alertId } = alert;
  const toWarehouseId = choice.toWarehouseId ?? alert.warehouseId;
  if (toWarehouseId === null) throw new Failure('InvalidInput', 'say where the goods are to go');
  const served = await database.withMerchants([merchantId], (tx) => servingWarehouses(tx, merchantId));
  if (!served.has(toWarehouseId)) throw new Failure('NotFound', 'no such warehouse serves the merchant');
  const spread = await database.withMerchants([merchantId], (tx) => readSpread(tx, merchantId, productId));
  const from = spread.find(({ warehouseId }) =>
    choice.fromWarehouseId === undefined
      ? warehouseId !== toWarehouseId
      : warehouseId === choice.fromWarehouseId,
  );
  if (from === undefined || from.available <= 0)
    throw new Failure('IllegalTransition', 'no other warehouse has any', { state: 'nothing to move' });
  const coming = spread.find(({ warehouseId }) => warehouseId === toWarehouseId)?.coming ?? 0;
  const quantity = choice.quantity ?? Math.min(from.available, Math.max(1, wanted(alert, choice) - coming));
  const { transferId } = await requestTransfer(database, {
    merchantId,
    key: `stock-alert/${alertId}`,
    reference: null,
    fromWarehouseId: from.warehouseId,
    toWarehouseId,
    expectedAt: null,
    reason: `low stock of ${alert.sku}`,
    actor: editor.actor,
    ...(editor.requestId === null ? {} : { requestId: editor.requestId }),
    lines: [{ productId, quantity }],
  });
  return {
    state: 'done',
    owner: null,
    quantity,
    detail: { transferId, fromWarehouseId: from.warehouseId, toWarehouseId },
  };
}
