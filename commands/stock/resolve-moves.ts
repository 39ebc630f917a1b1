/** What the lines of a move or a transfer name: products and places, found and judged. */
import { findProducts } from '../../db/adjustment.repo';
import type { Tx } from '../../db/client';
import { findPlaces, type Place, warehouseExists } from '../../db/place.repo';
import { Failure } from '../../domain/failure-types';

export interface ResolvedMove {
  readonly productId: string;
  readonly lotCode: string;
  readonly quantity: number;
  readonly from: Place;
  readonly to: Place;
  readonly serials?: readonly string[];
}

/** Where goods may be put down. What belongs to an order comes to packing and staging by the floor's own steps. */
const DESTINATIONS: ReadonlySet<string> = new Set(['bin', 'quarantine', 'damaged', 'dock']);

/** @throws Failure NotFound, InvalidInput. */
export async function resolveMoves(
  tx: Tx,
  request: {
    readonly merchantId: string;
    readonly warehouseId: string;
    readonly lines: readonly {
      readonly productId?: string;
      readonly sku?: string;
      readonly lotCode?: string;
      readonly quantity: number;
      readonly fromCode: string;
      readonly toCode: string;
      readonly serials?: readonly string[];
    }[];
  },
): Promise<ResolvedMove[]> {
  const { merchantId, warehouseId, lines } = request;
  await assertWarehouse(tx, warehouseId);
  const productOf = await productFinder(tx, merchantId, lines);
  const placeOf = await placeFinder(
    tx,
    warehouseId,
    lines.flatMap((line) => [line.fromCode, line.toCode]),
  );
  return lines.map((line) => {
    assertQuantity(line.quantity);
    const [from, to] = [placeOf(line.fromCode), placeOf(line.toCode)];
    if (from.id === to.id)
      throw new Failure('InvalidInput', 'the goods are there already', { location: to.code });
    assertDestination(to);
    const { quantity, lotCode = '', serials } = line;
    const move = { productId: productOf(line), lotCode, quantity, from, to };
    return serials === undefined ? move : { ...move, serials };
  });
}

export function assertQuantity(quantity: number): void {
  if (!Number.isSafeInteger(quantity) || quantity < 1)
    throw new Failure('InvalidInput', 'a quantity is a whole number from 1 on', { quantity });
}

export function assertDestination(place: Place): void {
  if (!DESTINATIONS.has(place.kind))
    throw new Failure('InvalidInput', `goods are not put to a place of kind ${place.kind}`, {
      location: place.code,
      kind: place.kind,
    });
}

export async function assertWarehouse(tx: Tx, warehouseId: string): Promise<void> {
  if (!(await warehouseExists(tx, warehouseId))) throw new Failure('NotFound', 'there is no such warehouse');
}

export async function productFinder(
  tx: Tx,
  merchantId: string,
  lines: readonly { readonly productId?: string; readonly sku?: string }[],
): Promise<(line: { readonly productId?: string; readonly sku?: string }) => string> {
  const products = await findProducts(tx, merchantId, {
    ids: lines.flatMap((line) => line.productId ?? []),
    skus: lines.flatMap((line) => line.sku ?? []),
  });
  return (line) => {
    const found = products.find(({ id, sku }) =>
      line.productId === undefined ? sku === line.sku : id === line.productId,
    );
    if (!found)
      throw new Failure('NotFound', 'there is no such product', { product: line.productId ?? line.sku });
    return found.id;
  };
}

export async function placeFinder(
  tx: Tx,
  warehouseId: string,
  codes: readonly string[],
): Promise<(code: string) => Place> {
  const places = await findPlaces(tx, warehouseId, { ids: [], codes: [...new Set(codes)] });
  return (code) => {
    const place = places.find((each) => each.code === code);
    if (!place) throw new Failure('NotFound', 'there is no such place in this warehouse', { location: code });
    return place;
  };
}
