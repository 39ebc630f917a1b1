/**
 * Telling Shopify that a parcel left. `fulfillmentCreate` knows no idempotency key, so every push first
 * reads what is there: the lines already in a fulfilment with this tracking number are done, only the
 * rest is created. A repetition after a lost answer thus finds its own first attempt. Two pushes of one
 * parcel at the same instant are stopped by the fulfilment order's remaining quantity (the second is
 * refused and reads again), but only where no units are left for another parcel: the caller keeps to
 * one push of a parcel at a time. One fulfilment may only hold fulfilment orders of one location, so a
 * parcel whose lines Shopify assigned to several becomes one fulfilment for each.
 */
import { z } from 'zod';
import { Failure } from '../../../domain/failure-types';
import type { ChannelAccount, TrackingResult, TrackingUpdate } from '../port';
import { callAdminApi } from './admin-api';
import { CREATE_FULFILLMENT } from './documents';
import {
  alreadyTold,
  type FulfillmentOrder,
  readFulfillmentOrders,
  type Units,
  unitsOf,
} from './fulfillment-reads';
import { plainId } from './global-ids';

export async function pushShopifyTracking(
  account: ChannelAccount,
  update: TrackingUpdate,
): Promise<TrackingResult> {
  const wanted = unitsOf(
    update.lines.map(({ externalLineId, quantity }) => [plainId(externalLineId), quantity]),
  );
  const there = await alreadyTold(account, update.externalOrderId, update.trackingNumber);
  const missing = subtract(wanted, there.units);
  if (there.fulfilmentId !== null && missing.size === 0) {
    return { externalFulfilmentId: there.fulfilmentId, alreadyThere: true };
  }
  try {
    const created = await createFor(account, update, missing);
    return { externalFulfilmentId: there.fulfilmentId ?? created, alreadyThere: false };
  } catch (error) {
    if (!(error instanceof Failure) || error.type !== 'PartnerRejected') throw error;
    // Somebody may have been quicker with the same parcel; then the refusal is our answer.
    const now = await alreadyTold(account, update.externalOrderId, update.trackingNumber);
    if (now.fulfilmentId !== null && subtract(wanted, now.units).size === 0) {
      return { externalFulfilmentId: now.fulfilmentId, alreadyThere: true };
    }
    throw error;
  }
}

async function createFor(account: ChannelAccount, update: TrackingUpdate, missing: Units): Promise<string> {
  const open = await readFulfillmentOrders(account, update.externalOrderId);
  const groups = allocate(open, missing);
  let first: string | undefined;
  for (const lineItemsByFulfillmentOrder of groups) {
    const id = await createFulfillment(account, update, lineItemsByFulfillmentOrder);
    first ??= id;
  }
  if (first === undefined) throw new Failure('InvalidInput', 'a tracking update needs at least one line');
  return first;
}

interface FulfillmentOrderPart {
  readonly fulfillmentOrderId: string;
  readonly fulfillmentOrderLineItems: { id: string; quantity: number }[];
}

/**
 * Spreads the units over the open fulfilment orders, grouped by location.
 * @throws Failure PartnerRejected when Shopify has fewer open units than the parcel holds, with the
 * lines and the states of the fulfilment orders that hold them.
 */
function allocate(fulfillmentOrders: readonly FulfillmentOrder[], missing: Units): FulfillmentOrderPart[][] {
  const left = new Map(missing);
  const byLocation = new Map<string, FulfillmentOrderPart[]>();
  for (const { id, status, assignedLocation, lineItems } of fulfillmentOrders) {
    if (status !== 'OPEN' && status !== 'IN_PROGRESS') continue;
    const part: FulfillmentOrderPart = { fulfillmentOrderId: id, fulfillmentOrderLineItems: [] };
    for (const line of lineItems.nodes) {
      const lineId = plainId(line.lineItem.id);
      const quantity = Math.min(left.get(lineId) ?? 0, line.remainingQuantity);
      if (quantity <= 0) continue;
      left.set(lineId, (left.get(lineId) ?? 0) - quantity);
      part.fulfillmentOrderLineItems.push({ id: line.id, quantity });
    }
    if (part.fulfillmentOrderLineItems.length === 0) continue;
    const location = assignedLocation.location?.id ?? '';
    byLocation.set(location, [...(byLocation.get(location) ?? []), part]);
  }
  const short = [...left]
    .filter(([, quantity]) => quantity > 0)
    .map(([lineId, quantity]) => ({ lineId, quantity }));
  if (short.length > 0) {
    const states = fulfillmentOrders.map(({ id, status }) => ({ id: plainId(id), status }));
    throw new Failure(
      'PartnerRejected',
      'Shopify has no open fulfilment order for all units of this parcel',
      {
        code: 'NOT_FULFILLABLE',
        short,
        fulfillmentOrders: states,
      },
    );
  }
  return [...byLocation.values()];
}

async function createFulfillment(
  account: ChannelAccount,
  update: TrackingUpdate,
  lineItemsByFulfillmentOrder: readonly FulfillmentOrderPart[],
): Promise<string> {
  const { trackingNumber: number, carrier: company, trackingUrl: url } = update;
  const trackingInfo = url === null ? { number, company } : { number, company, url };
  const { fulfillmentCreate: result } = await callAdminApi(account, {
    document: CREATE_FULFILLMENT,
    // The customer hears of it from us, once a parcel.
    variables: { fulfillment: { lineItemsByFulfillmentOrder, trackingInfo, notifyCustomer: false } },
    shape: z.object({
      fulfillmentCreate: z.object({
        fulfillment: z.object({ id: z.string() }).nullable(),
        userErrors: z.array(z.object({ field: z.array(z.string()).nullable(), message: z.string() })),
      }),
    }),
    write: true,
  });
  if (result.fulfillment !== null) return result.fulfillment.id;
  const messages = result.userErrors.map(({ message }) => message);
  throw new Failure(
    'PartnerRejected',
    `Shopify refused the tracking: ${messages.join('; ') || 'without a reason'}`,
    {
      code: 'USER_ERRORS',
      messages,
    },
  );
}

/** What of `wanted` is not in `there`; only positive amounts. */
function subtract(wanted: Units, there: Units): Units {
  return new Map(
    [...wanted]
      .map(([id, quantity]) => [id, quantity - (there.get(id) ?? 0)] as const)
      .filter(([, left]) => left > 0),
  );
}
