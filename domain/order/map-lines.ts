/**
 * From the lines as the customer bought them to the products that leave a shelf: SKU texts are mapped
 * through the merchant's aliases, bundles are exploded, and what doesn't ship is set aside. The most
 * particular mapping wins: an alias of the order's own connection, then an alias for all connections,
 * then a product with that very SKU. Texts are compared exactly, for "ab-1" and "AB-1" may be two things.
 */

export interface OrderLineToMap {
  readonly orderLineId: string;
  /** As the channel gave it; empty is unmapped. */
  readonly sku: string;
  readonly quantity: number;
  /** False when the channel says that it is a service, a ticket, a gift card. */
  readonly ships: boolean;
}

export interface SkuAlias {
  /** null: for every connection of the merchant. */
  readonly connectionId: string | null;
  readonly sku: string;
  readonly productId: string;
  /** Base units of the product in one unit of the alias, at least 1 (a case of 12: 12). */
  readonly unitsPerSku: number;
}

export interface BundleComponent {
  readonly productId: string;
  readonly quantity: number;
}

export interface ProductFacts {
  readonly productId: string;
  readonly sku: string;
  readonly ships: boolean;
  /** null when it is stocked itself; a bundle is never stocked. */
  readonly components: readonly BundleComponent[] | null;
}

export interface CatalogFacts {
  readonly aliases: readonly SkuAlias[];
  /** Every product that a line, an alias or a bundle of these can lead to. */
  readonly products: readonly ProductFacts[];
}

export interface DemandLine {
  readonly orderLineId: string;
  readonly productId: string;
  readonly quantity: number;
}

export interface MappedLines {
  /** What must leave a shelf; one entry an order line and product. */
  readonly demand: readonly DemandLine[];
  /** Which product each mapped line means, before bundles are exploded. */
  readonly mapped: readonly {
    readonly orderLineId: string;
    readonly productId: string;
    readonly units: number;
  }[];
  /** Lines fulfilled without the floor. */
  readonly serviceLineIds: readonly string[];
  /** Lines that lead to no stocked product, with a sentence each. */
  readonly unmapped: readonly {
    readonly orderLineId: string;
    readonly sku: string;
    readonly problem: string;
  }[];
}

/** A set of sets of sets is as deep as catalogues go; beyond five it is a mistake in the data. */
export const MAX_BUNDLE_DEPTH = 5;

/** Bundles that share parts multiply with every level; what unfolds into more is no order for a shelf. */
const MAX_COMPONENT_VISITS = 10_000;

class CatalogProblem extends Error {}

interface CatalogIndex {
  readonly aliases: ReadonlyMap<string, readonly SkuAlias[]>;
  readonly bySku: ReadonlyMap<string, ProductFacts>;
  readonly byId: ReadonlyMap<string, ProductFacts>;
}

/**
 * A batch checks hundreds of orders against one catalogue; searching its lists for every line would
 * cost the product of both. The index lives as long as the facts it was made from, which never change.
 */
const indexes = new WeakMap<CatalogFacts, CatalogIndex>();

function indexOf(catalog: CatalogFacts): CatalogIndex {
  const known = indexes.get(catalog);
  if (known) return known;
  const aliases = new Map<string, SkuAlias[]>();
  for (const alias of catalog.aliases) {
    const same = aliases.get(alias.sku);
    if (same) same.push(alias);
    else aliases.set(alias.sku, [alias]);
  }
  const made = {
    aliases,
    bySku: new Map(catalog.products.map((product) => [product.sku, product])),
    byId: new Map(catalog.products.map((product) => [product.productId, product])),
  };
  indexes.set(catalog, made);
  return made;
}

/** The product that a SKU text means on this connection, null when it means none. */
export function resolveSku(
  sku: string,
  connectionId: string,
  catalog: CatalogFacts,
): { readonly productId: string; readonly unitsPerSku: number } | null {
  if (sku === '') return null;
  const index = indexOf(catalog);
  const aliases = index.aliases.get(sku) ?? [];
  const alias =
    aliases.find((entry) => entry.connectionId === connectionId) ??
    aliases.find((entry) => entry.connectionId === null);
  if (alias) return { productId: alias.productId, unitsPerSku: alias.unitsPerSku };
  const product = index.bySku.get(sku);
  return product ? { productId: product.productId, unitsPerSku: 1 } : null;
}

/** Adds a product's stocked parts to `into`, times `units`; parts that don't ship add nothing. */
function explode(
  productId: string,
  units: number,
  products: ReadonlyMap<string, ProductFacts>,
  into: Map<string, number>,
  above: readonly string[],
  budget: { visits: number },
): void {
  if (--budget.visits < 0) throw new CatalogProblem('The bundle has too many components.');
  const product = products.get(productId);
  if (!product) throw new CatalogProblem('A product that it leads to no longer exists.');
  if (above.includes(productId)) throw new CatalogProblem('The bundle contains itself.');
  if (!Number.isSafeInteger(units) || units < 1)
    throw new CatalogProblem('A quantity in the bundle is wrong.');
  if (!product.components) {
    if (product.ships) into.set(productId, (into.get(productId) ?? 0) + units);
    return;
  }
  if (product.components.length === 0) throw new CatalogProblem('The bundle has no components.');
  if (above.length >= MAX_BUNDLE_DEPTH) {
    throw new CatalogProblem(`The bundle is nested deeper than ${MAX_BUNDLE_DEPTH} levels.`);
  }
  for (const component of product.components) {
    explode(component.productId, units * component.quantity, products, into, [...above, productId], budget);
  }
}

/** Maps and explodes every line; a line that can't be mapped doesn't keep the others from it. */
export function mapLines(
  lines: readonly OrderLineToMap[],
  connectionId: string,
  catalog: CatalogFacts,
): MappedLines {
  const products = indexOf(catalog).byId;
  const demand: DemandLine[] = [];
  const mapped: MappedLines['mapped'][number][] = [];
  const serviceLineIds: string[] = [];
  const unmapped: MappedLines['unmapped'][number][] = [];
  for (const { orderLineId, sku, quantity, ships } of lines) {
    if (!ships) {
      serviceLineIds.push(orderLineId);
      continue;
    }
    const target = resolveSku(sku, connectionId, catalog);
    if (!target) {
      const problem = sku === '' ? 'The line has no SKU.' : 'No product and no alias has this SKU.';
      unmapped.push({ orderLineId, sku, problem });
      continue;
    }
    const parts = new Map<string, number>();
    const units = quantity * target.unitsPerSku;
    try {
      explode(target.productId, units, products, parts, [], { visits: MAX_COMPONENT_VISITS });
    } catch (error) {
      if (!(error instanceof CatalogProblem)) throw error;
      unmapped.push({ orderLineId, sku, problem: error.message });
      continue;
    }
    mapped.push({ orderLineId, productId: target.productId, units });
    if (parts.size === 0) serviceLineIds.push(orderLineId);
    for (const [productId, count] of parts) demand.push({ orderLineId, productId, quantity: count });
  }
  return { demand, mapped, serviceLineIds, unmapped };
}
