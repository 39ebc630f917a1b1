/** What the checks of an order need to know of a merchant, for an order that is not accepted yet. */
import type { Tx } from './client';

export interface CatalogFactRows {
  readonly payment_policy: 'none' | 'authorised' | 'captured';
  readonly methods: readonly {
    readonly connection_id: string | null;
    readonly method: string;
    readonly service_level: string;
    readonly services: readonly string[];
    readonly max_days: number | null;
  }[];
  readonly aliases: readonly {
    readonly connection_id: string | null;
    readonly alias: string;
    readonly product_id: string;
    readonly multiplier: number;
  }[];
  readonly products: readonly {
    readonly id: string;
    readonly sku: string;
    readonly ships: boolean;
    readonly is_bundle: boolean;
  }[];
  readonly components: readonly {
    readonly bundle_product_id: string;
    readonly component_product_id: string;
    readonly quantity: number;
  }[];
}

/** Everything that these SKU texts can lead to, and all shipping methods. Bundles hold no bundles, so one step down is all. */
export async function readCatalogFacts(
  tx: Tx,
  merchantId: string,
  skus: readonly string[],
): Promise<CatalogFactRows> {
  const [row] = await tx.rows<CatalogFactRows>({
    text: `
with alias as (
  select connection_id, alias, product_id, multiplier from sku_alias where merchant_id = $1 and alias = any($2::text[])
), reached as (
  select product_id as id from alias union select id from product where merchant_id = $1 and sku = any($2::text[])
), component as (
  select bundle_product_id, component_product_id, quantity from bundle_component
  where merchant_id = $1 and bundle_product_id in (select id from reached)
)
select m.payment_policy,
  coalesce((select json_agg(s) from (select connection_id, method, service_level, services, max_days
    from shipping_method_map where merchant_id = $1) s), '[]') as methods,
  coalesce((select json_agg(alias) from alias), '[]') as aliases,
  coalesce((select json_agg(p) from (select id, sku, ships, is_bundle from product where merchant_id = $1
    and id in (select id from reached union select component_product_id from component)) p), '[]') as products,
  coalesce((select json_agg(component) from component), '[]') as components
from merchant m where m.id = $1`,
    values: [merchantId, skus],
  });
  return row as CatalogFactRows;
}
