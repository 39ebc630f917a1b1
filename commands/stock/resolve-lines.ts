/** What the lines of an adjustment name: products, places and lots, found and judged. */
import { type AdjustedProduct, findProducts } from '../../db/adjustment.repo';
import type { Tx } from '../../db/client';
import { findPlaces, type Place, warehouseExists } from '../../db/place.repo';
import { Failure } from '../../domain/failure-types';

export interface AdjustmentLine {
  /** One of the two. */
  readonly productId?: string;
  readonly sku?: string;
  /** Needed for a gain; a loss without a place is taken wherever there is something. */
  readonly locationId?: string;
  readonly locationCode?: string;
  readonly lotCode?: string;
  /** 'YYYY-MM-DD', for a lot that was not known before. */
  readonly expiresOn?: string;
  /** Whole base units, more or fewer; 0 changes nothing. */
  readonly delta: number;
  /** Numbers of the units, of a product that has them; the place has to be said then. */
  readonly serials?: readonly string[];
  /** What one unit cost, in minor units, of a gain; left out: the product's cost. */
  readonly unitCostMinor?: bigint;
}

/** Lines as somebody gave them. */
export interface GivenLines {
  readonly merchantId: string;
  readonly warehouseId: string;
  readonly lines: readonly AdjustmentLine[];
}

/** Goods in these places are in somebody's hands or on their way out; corrections go to where goods rest. */
export const RESTING_PLACES: ReadonlySet<string> = new Set(['bin', 'quarantine', 'damaged', 'dock']);

export interface ResolvedLine {
  readonly product: AdjustedProduct;
  readonly place: Place | null;
  readonly lotCode: string | null;
  readonly expiresOn: string | null;
  readonly delta: number;
  readonly serials: readonly string[] | null;
  /** As it was given. */
  readonly unitCostMinor: bigint | null;
}

/**
 * Those lines that change something.
 * @throws Failure NotFound for an unknown product, place or warehouse; InvalidInput for a place where goods
 *   don't rest, or a gain of a product that is tracked by lot without one.
 */
export async function resolveLines(tx: Tx, request: GivenLines): Promise<ResolvedLine[]> {
  const { merchantId, warehouseId } = request;
  if (!(await warehouseExists(tx, warehouseId))) throw new Failure('NotFound', 'there is no such warehouse');
  const given = (values: readonly (string | undefined)[]) => values.filter((value) => value !== undefined);
  const products = await findProducts(tx, merchantId, {
    ids: given(request.lines.map((line) => line.productId)),
    skus: given(request.lines.map((line) => line.sku)),
  });
  const places = await findPlaces(tx, warehouseId, {
    ids: given(request.lines.map((line) => line.locationId)),
    codes: given(request.lines.map((line) => line.locationCode)),
  });
  const found: Found = {
    products: new Map(
      products.flatMap((each) => [[`id ${each.id}`, each] as const, [`sku ${each.sku}`, each] as const]),
    ),
    places: new Map(
      places.flatMap((each) => [[`id ${each.id}`, each] as const, [`code ${each.code}`, each] as const]),
    ),
  };
  return request.lines.flatMap((line) => (line.delta === 0 ? [] : [resolveLine(line, found)]));
}

/** By `id …` and by `sku …` or `code …`: an imported file has thousands of lines. */
interface Found {
  readonly products: ReadonlyMap<string, AdjustedProduct>;
  readonly places: ReadonlyMap<string, Place>;
}

function resolveLine(line: AdjustmentLine, { products, places }: Found): ResolvedLine {
  const { locationId, locationCode, delta } = line;
  const named = line.productId ?? line.sku;
  const product = products.get(`${line.productId === undefined ? 'sku' : 'id'} ${named}`);
  if (!product) throw new Failure('NotFound', 'there is no such product', { product: named });
  if (!Number.isSafeInteger(delta))
    throw new Failure('InvalidInput', 'a quantity is a whole number', { quantity: delta });
  const wanted = locationId ?? locationCode;
  const place = places.get(`${locationId === undefined ? 'code' : 'id'} ${wanted}`) ?? null;
  if (wanted !== undefined && place === null)
    throw new Failure('NotFound', 'there is no such place in this warehouse', { location: wanted });
  if (place !== null && !RESTING_PLACES.has(place.kind))
    throw new Failure('InvalidInput', `goods in a place of kind ${place.kind} are not adjusted`, {
      location: wanted,
      kind: place.kind,
    });
  if (delta > 0 && product.lotTracked && (line.lotCode ?? '') === '')
    throw new Failure('InvalidInput', 'this product is tracked by lot: say which', { sku: product.sku });
  if (delta > 0 && product.serialTracked && line.serials === undefined)
    throw new Failure('InvalidInput', 'this product has serial numbers: name the units', {
      sku: product.sku,
    });
  if (delta < 0 && line.unitCostMinor !== undefined)
    throw new Failure('InvalidInput', 'a loss has no cost of its own', { sku: product.sku });
  if (line.serials !== undefined && place === null)
    throw new Failure('InvalidInput', 'say where the named units are', { sku: product.sku });
  return {
    product,
    place,
    lotCode: line.lotCode ?? null,
    expiresOn: line.expiresOn ?? null,
    delta,
    serials: line.serials ?? null,
    unitCostMinor: line.unitCostMinor ?? null,
  };
}
