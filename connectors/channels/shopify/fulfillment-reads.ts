/**
 * What Shopify holds of an order's fulfilment: what was told before, and what is still open. Plain
 * reads, each paged to its end.
 */
import { z } from 'zod';
import { Failure } from '../../../domain/failure-types';
import type { ChannelAccount } from '../port';
import { callAdminApi, pageInfoSchema, remainingPages } from './admin-api';
import {
  FULFILLMENT_LINES,
  FULFILLMENT_ORDER_LINES,
  FULFILLMENT_ORDERS,
  ORDER_FULFILLMENTS,
} from './documents';
import { globalId, plainId } from './global-ids';

/** What `ORDER_FULFILLMENTS` asks for; an order with more can't be read whole. */
const MOST_FULFILLMENTS = 100;
const DEAD_FULFILLMENTS = ['CANCELLED', 'ERROR', 'FAILURE'];

/** Units by the line's plain id. */
export type Units = ReadonlyMap<string, number>;

export function unitsOf(lines: readonly (readonly [string, number])[]): Units {
  const units = new Map<string, number>();
  for (const [id, quantity] of lines) units.set(id, (units.get(id) ?? 0) + quantity);
  return units;
}

const fulfillmentsSchema = z.object({
  order: z
    .object({
      fulfillments: z.array(
        z.object({
          id: z.string(),
          status: z.string(),
          trackingInfo: z.array(z.object({ number: z.string().nullable() })),
        }),
      ),
    })
    .nullable(),
});

/** The fulfilment with this tracking number, null when there is none, and the units it holds. */
export async function alreadyTold(
  account: ChannelAccount,
  externalOrderId: string,
  trackingNumber: string,
): Promise<{ readonly fulfilmentId: string | null; readonly units: Units }> {
  const { order } = await callAdminApi(account, {
    document: ORDER_FULFILLMENTS,
    variables: { id: globalId('Order', externalOrderId) },
    shape: fulfillmentsSchema,
    write: false,
  });
  if (order === null) {
    throw new Failure('PartnerRejected', 'Shopify knows no such order', { code: 'ORDER_NOT_FOUND' });
  }
  const same = order.fulfillments.filter(
    ({ status, trackingInfo }) =>
      !DEAD_FULFILLMENTS.includes(status) && trackingInfo.some(({ number }) => number === trackingNumber),
  );
  if (same.length === 0 && order.fulfillments.length >= MOST_FULFILLMENTS) {
    const details = { code: 'TOO_MANY_FULFILLMENTS' };
    throw new Failure(
      'PartnerRejected',
      'Shopify holds more fulfilments of this order than can be read',
      details,
    );
  }
  const told: [string, number][] = [];
  for (const { id } of same) told.push(...(await fulfilledLines(account, id)));
  return { fulfilmentId: same[0]?.id ?? null, units: unitsOf(told) };
}

const fulfilledSchema = z.object({
  fulfillment: z.object({
    fulfillmentLineItems: z.object({
      pageInfo: pageInfoSchema,
      nodes: z.array(z.object({ quantity: z.number(), lineItem: z.object({ id: z.string() }) })),
    }),
  }),
});

async function fulfilledLines(account: ChannelAccount, id: string): Promise<[string, number][]> {
  const read = async (after: string | null) => {
    const call = {
      document: FULFILLMENT_LINES,
      variables: { id, after },
      shape: fulfilledSchema,
      write: false,
    };
    return (await callAdminApi(account, call)).fulfillment.fulfillmentLineItems;
  };
  const first = await read(null);
  const nodes = [...first.nodes, ...(await remainingPages(first, read))];
  return nodes.map(({ quantity, lineItem }) => [plainId(lineItem.id), quantity]);
}

const openLinesSchema = z.object({
  pageInfo: pageInfoSchema,
  nodes: z.array(
    z.object({ id: z.string(), remainingQuantity: z.number(), lineItem: z.object({ id: z.string() }) }),
  ),
});
const fulfillmentOrderSchema = z.object({
  id: z.string(),
  status: z.string(),
  assignedLocation: z.object({ location: z.object({ id: z.string() }).nullable() }),
  lineItems: openLinesSchema,
});
export type FulfillmentOrder = z.output<typeof fulfillmentOrderSchema>;

const fulfillmentOrdersSchema = z.object({
  order: z.object({
    fulfillmentOrders: z.object({ pageInfo: pageInfoSchema, nodes: z.array(fulfillmentOrderSchema) }),
  }),
});
const moreLinesSchema = z.object({ fulfillmentOrder: z.object({ lineItems: openLinesSchema }) });

/** All fulfilment orders of an order, whatever their state, with all their lines. */
export async function readFulfillmentOrders(
  account: ChannelAccount,
  externalOrderId: string,
): Promise<FulfillmentOrder[]> {
  const id = globalId('Order', externalOrderId);
  const read = async (after: string | null) => {
    const call = {
      document: FULFILLMENT_ORDERS,
      variables: { id, after },
      shape: fulfillmentOrdersSchema,
      write: false,
    };
    return (await callAdminApi(account, call)).order.fulfillmentOrders;
  };
  const first = await read(null);
  const whole: FulfillmentOrder[] = [];
  for (const of of [...first.nodes, ...(await remainingPages(first, read))]) {
    const more = await remainingPages(of.lineItems, async (after) => {
      const variables = { id: of.id, after };
      const call = { document: FULFILLMENT_ORDER_LINES, variables, shape: moreLinesSchema, write: false };
      return (await callAdminApi(account, call)).fulfillmentOrder.lineItems;
    });
    whole.push({ ...of, lineItems: { ...of.lineItems, nodes: [...of.lineItems.nodes, ...more] } });
  }
  return whole;
}
