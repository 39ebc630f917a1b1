/**
 * Where an order would ship from if it came in now. Nothing is locked, reserved or written; the decision
 * is the one that intake makes, on a snapshot of the same facts. An order that exists is planned as a
 * whole: what it has reserved itself is free for it.
 */
import type { DryRun } from '../../contracts/routing';
import { businessNow } from '../../db/adjustment.repo';
import type { Tx } from '../../db/client';
import { findChannelKind } from '../../db/connection.repo';
import { readOrderToRoute, readPromisable } from '../../db/dry-run.repo';
import { type IntakeFacts, readFactsOfLines, readIntakeFacts } from '../../db/intake.repo';
import { readDatedLots, readShelfLifeRules } from '../../db/lot-life.repo';
import { Failure } from '../../domain/failure-types';
import { type MappedLines, mapLines, type OrderLineToMap } from '../../domain/order/map-lines';
import type { FulfilmentPlan } from '../../domain/routing/snapshot';
import { IntakeFactIndex } from '../intake/facts';
import { type Destination, type RoutedOrder, Router } from '../intake/route';
import { Sellable } from '../intake/sellable';

/** @throws Failure NotFound when the merchants have no such order; InvalidInput for a SKU that means nothing. */
export async function dryRunOrder(tx: Tx, merchantId: string, orderId: string): Promise<FulfilmentPlan> {
  const order = await readOrderToRoute(tx, merchantId, orderId);
  if (order === null) throw new Failure('NotFound', 'there is no such order');
  const read = await readIntakeFacts(tx, [{ merchant_id: merchantId, order_id: orderId, step_key: '' }]);
  const facts = new IntakeFactIndex(read);
  return route(tx, facts, {
    order,
    to: facts.address(orderId),
    lines: linesOf(read),
    pointer: '/orderId',
    reservedFor: orderId,
  });
}

export interface LinesToRun extends Omit<DryRun, 'lines' | 'destination'> {
  readonly lines: NonNullable<DryRun['lines']>;
  readonly destination: NonNullable<DryRun['destination']>;
}

/** @throws Failure InvalidInput for a SKU that means nothing, or a connection that the merchant does not have. */
export async function dryRunLines(tx: Tx, merchantId: string, request: LinesToRun): Promise<FulfilmentPlan> {
  const { connectionId, destination } = request;
  const channel = connectionId === undefined ? 'api' : await findChannelKind(tx, merchantId, connectionId);
  if (channel === null) throw invalid('/connectionId', 'there is no such connection');
  const asked = request.lines.map((line, index) => ({ ...line, id: String(index) }));
  const read = await readFactsOfLines(tx, merchantId, asked);
  const order: RoutedOrder = {
    merchant_id: merchantId,
    connection_id: connectionId ?? '',
    customer_id: null,
    channel,
    tags: request.tags ?? [],
    channel_ship_by: request.shipBy === undefined ? null : new Date(request.shipBy),
    business_now: await businessNow(tx, merchantId),
  };
  return route(tx, new IntakeFactIndex(read), {
    order,
    to: {
      country: destination.country,
      region: destination.region ?? null,
      postal_code: destination.postalCode ?? null,
    },
    lines: linesOf(read),
    pointer: '/lines',
    reservedFor: null,
  });
}

const linesOf = ({ lines }: IntakeFacts): OrderLineToMap[] =>
  lines.map(({ id, sku, quantity, ships }) => ({ orderLineId: id, sku, quantity, ships }));

function invalid(pointer: string, message: string): Failure {
  return new Failure('InvalidInput', message, { errors: [{ pointer, message }] });
}

interface Question {
  readonly order: RoutedOrder;
  readonly to: Destination;
  readonly lines: readonly OrderLineToMap[];
  /** Where the request names the lines. */
  readonly pointer: string;
  /** The order whose reservations are free for it. */
  readonly reservedFor: string | null;
}

async function route(tx: Tx, facts: IntakeFactIndex, question: Question): Promise<FulfilmentPlan> {
  const { order, to, lines, pointer, reservedFor } = question;
  const { merchant_id: merchantId, connection_id: connectionId } = order;
  const mapped = mapLines(lines, connectionId, facts.checkFactsOf(merchantId));
  refuseUnmapped(mapped, pointer);
  const productIds = [...new Set(mapped.demand.map(({ productId }) => productId))];
  const sellable = new Sellable();
  const stock = await readPromisable(tx, merchantId, productIds, reservedFor);
  sellable.stock.use(stock.entries());
  const keys = facts
    .warehousesOf(merchantId)
    .flatMap(({ id: warehouseId }) =>
      productIds.map((productId) => ({ merchantId, warehouseId, productId })),
    );
  const lots = await readDatedLots(tx, keys);
  if (lots.length > 0) sellable.useLots(lots, await readShelfLifeRules(tx, [merchantId]));
  return new Router(facts, sellable).route(order, to, mapped.demand);
}

function refuseUnmapped({ unmapped }: MappedLines, pointer: string): void {
  if (unmapped.length === 0) return;
  throw new Failure('InvalidInput', 'some lines lead to no product', {
    errors: unmapped.map(({ orderLineId, sku, problem }) => ({
      pointer: pointer === '/lines' ? `/lines/${orderLineId}/sku` : pointer,
      message: sku === '' ? problem : `"${sku}": ${problem}`,
    })),
  });
}
