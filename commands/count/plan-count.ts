/**
 * A person plans a count: of a class of products whose turn it is, of products, of bins, or of all that
 * is in use. Keyed by the request; the same one again answers with the same count. A place whose open
 * sheet covers it already is left out.
 */
import { businessNow, findProducts } from '../../db/adjustment.repo';
import { audit } from '../../db/audit-log.repo';
import type { Database, Tx } from '../../db/client';
import { type PlaceToCount, placesInUse, placesOfProducts, shippedValues } from '../../db/count-plan.repo';
import { findPlaces } from '../../db/place.repo';
import { Failure } from '../../domain/failure-types';
import { COUNT_EVERY_DAYS, type CountClass, classifyByValue } from '../../domain/stock/abc-class';
import { runOnceIn } from '../run-once';
import { RESTING_PLACES } from '../stock/resolve-lines';
import { openCount } from './open-count';

/** A season: long enough that one large order makes no class, short enough to follow what sells. */
const VALUE_DAYS = 90;
const DAY_MS = 24 * 60 * 60_000;

export interface PlanCount {
  readonly merchantId: string;
  /** Once a merchant. */
  readonly key: string;
  readonly warehouseId: string;
  readonly class: CountClass | null;
  readonly skus: readonly string[];
  readonly locationCodes: readonly string[];
  /** Places at most. */
  readonly mostPlaces: number;
  readonly reason: string;
  readonly actor: string;
  readonly requestId?: string | null;
}

/** @throws Failure NotFound for an unknown SKU or place; InvalidInput when there is nothing to count. */
export function planCount(database: Database, plan: PlanCount): Promise<{ readonly countId: string }> {
  const { merchantId } = plan;
  return database.withMerchants([merchantId], async (tx) => {
    const { outcome } = await runOnceIn(tx, merchantId, `count/${plan.key}`, async () => {
      const places = await choosePlaces(tx, plan);
      if (places.length === 0)
        throw new Failure('InvalidInput', 'there is nothing to count', { class: plan.class });
      const countId = await openCount(tx, {
        ...plan,
        origin: plan.class === null ? 'request' : 'abc',
        requestedBy: plan.actor,
        places,
      });
      await audit(tx, {
        merchantId,
        actor: plan.actor,
        requestId: plan.requestId ?? null,
        action: 'count.create',
        thingKind: 'stock_count',
        thingId: countId,
        reason: plan.reason,
        after: { warehouseId: plan.warehouseId, class: plan.class, places: places.length },
      });
      return { countId };
    });
    return outcome;
  });
}

async function choosePlaces(tx: Tx, plan: PlanCount): Promise<readonly PlaceToCount[]> {
  const { merchantId, warehouseId, mostPlaces: limit } = plan;
  if (plan.class !== null) return dueOfClass(tx, plan, plan.class);
  const productIds = await namedProducts(tx, plan);
  if (plan.locationCodes.length > 0) {
    const places = await namedPlaces(tx, plan);
    return places.map((locationId) => ({ locationId, productIds }));
  }
  if (productIds === null) return placesInUse(tx, merchantId, warehouseId, limit);
  return placesOfProducts(tx, merchantId, { warehouseId, productIds, notSince: null, limit });
}

async function dueOfClass(tx: Tx, plan: PlanCount, ofClass: CountClass): Promise<PlaceToCount[]> {
  const { merchantId, warehouseId, mostPlaces: limit } = plan;
  const now = await businessNow(tx, merchantId);
  const before = (days: number) => new Date(now.getTime() - days * DAY_MS);
  const classes = classifyByValue(await shippedValues(tx, merchantId, warehouseId, before(VALUE_DAYS)));
  const productIds = [...classes].flatMap(([id, each]) => (each === ofClass ? [id] : []));
  const notSince = before(COUNT_EVERY_DAYS[ofClass]);
  return placesOfProducts(tx, merchantId, { warehouseId, productIds, notSince, limit });
}

async function namedProducts(tx: Tx, { merchantId, skus }: PlanCount): Promise<string[] | null> {
  if (skus.length === 0) return null;
  const found = await findProducts(tx, merchantId, { ids: [], skus });
  const unknown = skus.find((sku) => !found.some((product) => product.sku === sku));
  if (unknown !== undefined) throw new Failure('NotFound', `there is no product ${unknown}`);
  return found.map((product) => product.id);
}

async function namedPlaces(tx: Tx, { warehouseId, locationCodes }: PlanCount): Promise<string[]> {
  const found = await findPlaces(tx, warehouseId, { ids: [], codes: locationCodes });
  const unknown = locationCodes.find((code) => !found.some((place) => place.code === code));
  if (unknown !== undefined) throw new Failure('NotFound', `there is no place ${unknown} in this warehouse`);
  const wrong = found.find((place) => !RESTING_PLACES.has(place.kind));
  if (wrong !== undefined)
    throw new Failure('InvalidInput', `goods in a place of kind ${wrong.kind} are not counted`, {
      location: wrong.code,
    });
  return found.map((place) => place.id);
}
