/**
 * Looks at a merchant's stock by his rules: opens alerts, clears them, and commits with each the messages
 * that tell of it. The rules are locked meanwhile, and at most one alert a fact is open by the database's
 * own key, so that whoever looks at the same time, or again, tells nobody twice.
 */
import { uuidv7 } from 'uuidv7';
import { businessNow } from '../../db/adjustment.repo';
import { listingsOfProducts, readListings } from '../../db/channel-listing.repo';
import type { Database, Tx } from '../../db/client';
import { enqueue, type OutboxMessage } from '../../db/outbox.repo';
import {
  clearAlerts,
  endpointsFor,
  lockRules,
  markWell,
  type NewAlert,
  openAlerts,
  readOpenAlerts,
  type WatchedRule,
} from '../../db/stock-alert.repo';
import { listStockedProducts } from '../../db/stock-history.repo';
import { channelQuantity } from '../../domain/stock/channel-quantity';
import { isLow, stepAlert } from '../../domain/stock/low-stock';
import { type MeasuredProduct, readVelocity } from './read-velocity';

export interface Evaluation {
  readonly opened: number;
  readonly cleared: number;
}

/** More than any merchant has; the list is read by key, in one go. */
const ALL_PRODUCTS = 1_000_000;
/** Whose sales are read by one statement. */
const PRODUCTS_AT_ONCE = 500;

export type AlertEvent = 'opened' | 'cleared';

/** @param changed products to look at; null: all. */
export function evaluateAlerts(
  database: Database,
  merchantId: string,
  changed: readonly string[] | null,
): Promise<Evaluation> {
  return database.withMerchants([merchantId], async (tx) => {
    const rules = await lockRules(tx, merchantId);
    const at = await businessNow(tx, merchantId);
    let [opened, cleared] = [0, 0];
    for (const rule of rules) {
      const ids = await productsOf(tx, merchantId, rule, changed);
      for (let from = 0; from < ids.length; from += PRODUCTS_AT_ONCE) {
        const done = await judge(tx, merchantId, rule, ids.slice(from, from + PRODUCTS_AT_ONCE), at);
        opened += done.opened;
        cleared += done.cleared;
      }
    }
    return { opened, cleared };
  });
}

async function productsOf(
  tx: Tx,
  merchantId: string,
  rule: WatchedRule,
  changed: readonly string[] | null,
): Promise<string[]> {
  const wanted = changed === null ? null : new Set(changed);
  if (rule.productId !== null) return wanted === null || wanted.has(rule.productId) ? [rule.productId] : [];
  if (wanted?.size === 0) return [];
  const { warehouseId } = rule;
  const stocked = await listStockedProducts(tx, merchantId, { warehouseId }, null, ALL_PRODUCTS);
  return stocked.map(({ id }) => id).filter((id) => wanted === null || wanted.has(id));
}

interface Seen {
  readonly product: MeasuredProduct;
  readonly level: number;
}

async function judge(
  tx: Tx,
  merchantId: string,
  rule: WatchedRule,
  productIds: readonly string[],
  at: Date,
): Promise<Evaluation> {
  const seen = await look(tx, merchantId, rule, productIds);
  const open = new Map(
    (
      await readOpenAlerts(
        tx,
        merchantId,
        rule.id,
        seen.map(({ product }) => product.productId),
      )
    ).map((alert) => [alert.productId, alert]),
  );
  const fresh: (NewAlert & Seen)[] = [];
  const [low, well]: [string[], string[]] = [[], []];
  const over: (Seen & { readonly id: string })[] = [];
  for (const { product, level } of seen) {
    const alert = open.get(product.productId);
    const limit = { kind: rule.limitKind, atMost: rule.atMost };
    const state = alert === undefined ? null : { wellSince: alert.wellSince?.getTime() ?? null };
    const step = stepAlert(
      state,
      isLow(limit, level, product.velocity),
      at.getTime(),
      rule.clearAfterMinutes,
    );
    if (step === 'open') fresh.push({ ...newAlert(rule, product, level), product });
    if (alert === undefined) continue;
    if (step === 'low_again') low.push(alert.id);
    if (step === 'recovering') well.push(alert.id);
    if (step === 'clear') over.push({ id: alert.id, product, level });
  }
  const opened = new Set(await openAlerts(tx, merchantId, fresh.map(rowOf), at));
  await markWell(tx, merchantId, low, null);
  await markWell(tx, merchantId, well, at);
  await clearAlerts(
    tx,
    merchantId,
    over.map(({ id, level }) => ({ id, level })),
    at,
  );
  const told = fresh.filter(({ id }) => opened.has(id));
  await tell(tx, merchantId, rule, 'opened', told);
  await tell(tx, merchantId, rule, 'cleared', over);
  return { opened: told.length, cleared: over.length };
}

function newAlert(rule: WatchedRule, { productId, velocity }: MeasuredProduct, level: number): NewAlert {
  const { shipped, countedDays, from: windowFrom, to: windowTo } = velocity;
  return { id: uuidv7(), ruleId: rule.id, productId, level, shipped, countedDays, windowFrom, windowTo };
}

const rowOf = ({ product: _product, ...row }: NewAlert & Seen): NewAlert => row;

/** What there is of each product where the rule looks; a product that the channel does not show is left out. */
async function look(
  tx: Tx,
  merchantId: string,
  rule: WatchedRule,
  productIds: readonly string[],
): Promise<Seen[]> {
  if (productIds.length === 0) return [];
  const { warehouseId, connectionId } = rule;
  const scope = { warehouseId, connectionId };
  const { products } = await readVelocity(tx, merchantId, productIds, scope, rule.windowDays);
  if (connectionId === null) return products.map((product) => ({ product, level: product.available }));
  const shown = await shownBy(tx, merchantId, connectionId, productIds);
  return products.flatMap((product) => {
    const level = shown.get(product.productId);
    return level === undefined ? [] : [{ product, level }];
  });
}

/** Units that the connection's listings may show, by product. Paused and parked ones sell nothing by intent. */
async function shownBy(
  tx: Tx,
  merchantId: string,
  connectionId: string,
  productIds: readonly string[],
): Promise<Map<string, number>> {
  const products = productIds.map((productId) => ({ merchantId, productId }));
  const listings = (await listingsOfProducts(tx, products)).filter(
    (listing) => listing.connectionId === connectionId && listing.productId === listing.changedProductId,
  );
  const productOf = new Map(listings.map((listing) => [listing.id, listing.productId]));
  const shown = new Map<string, number>();
  for (const { id, rule, components } of await readListings(tx, merchantId, [...productOf.keys()])) {
    const productId = productOf.get(id);
    if (productId === undefined || rule.paused) continue;
    const units = components.length === 1 ? (components[0]?.units ?? 1) : 1;
    shown.set(productId, (shown.get(productId) ?? 0) + channelQuantity(components, rule) * units);
  }
  return shown;
}

async function tell(
  tx: Tx,
  merchantId: string,
  rule: WatchedRule,
  event: AlertEvent,
  alerts: readonly (Seen & { readonly id: string })[],
): Promise<void> {
  if (alerts.length === 0) return;
  const type = `stock.alert_${event}`;
  const endpoints = rule.tellsWebhooks ? await endpointsFor(tx, merchantId, type) : [];
  await enqueue(
    tx,
    alerts.flatMap(({ id: alertId, product, level }): OutboxMessage[] => [
      ...rule.destinations.map(
        ({ id: destinationId, kind }): OutboxMessage => ({
          merchantId,
          kind: kind === 'mail' ? 'mail' : 'webhook',
          key: `stock-alert:${alertId}:${event}:${destinationId}`,
          orderId: null,
          lane: kind === 'mail' ? 'mail' : destinationId,
          payload: { stockAlertId: alertId, event, destinationId },
        }),
      ),
      ...endpoints.map(
        (endpointId): OutboxMessage => ({
          merchantId,
          kind: 'webhook',
          key: `stock-alert:${alertId}:${event}:${endpointId}`,
          orderId: null,
          lane: endpointId,
          payload: {
            endpointId,
            type,
            data: {
              alertId,
              ruleId: rule.id,
              productId: product.productId,
              sku: product.sku,
              warehouseId: rule.warehouseId,
              connectionId: rule.connectionId,
              level,
            },
          },
        }),
      ),
    ]),
  );
}
