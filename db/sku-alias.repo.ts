/** The names that channels have for products. */
import type { Tx } from './client';

export interface AliasRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly alias: string;
  readonly product_id: string;
  readonly sku: string;
  readonly connection_id: string | null;
  readonly multiplier: number;
  readonly created_at: Date;
}

export interface NewAliasRow {
  readonly id: string;
  readonly merchantId: string;
  readonly alias: string;
  readonly productId: string;
  readonly connectionId: string | null;
  readonly multiplier: number;
}

/** False when the alias is taken on that channel. */
export async function insertAlias(tx: Tx, alias: NewAliasRow): Promise<boolean> {
  const written = await tx.run({
    text: `insert into sku_alias (id, merchant_id, connection_id, alias, product_id, multiplier) values ($1, $2, $3, $4, $5, $6)
      on conflict (merchant_id, alias, connection_id) do nothing`,
    values: [alias.id, alias.merchantId, alias.connectionId, alias.alias, alias.productId, alias.multiplier],
  });
  return written === 1;
}

const SELECT = `select a.id, a.merchant_id, a.alias, a.product_id, p.sku, a.connection_id, a.multiplier, a.created_at
  from sku_alias a join product p on p.merchant_id = a.merchant_id and p.id = a.product_id`;

export async function findAlias(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<AliasRow | null> {
  const [row] = await tx.rows<AliasRow>({
    text: `${SELECT} where a.merchant_id = any($1::uuid[]) and a.id = $2`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

export function listAliases(
  tx: Tx,
  merchantIds: readonly string[],
  filter: { readonly alias?: string | undefined; readonly productId?: string | undefined },
  afterId: string | null,
  limit: number,
): Promise<AliasRow[]> {
  return tx.rows<AliasRow>({
    text: `${SELECT} where a.merchant_id = any($1::uuid[]) and ($2::text is null or a.alias = $2)
      and ($3::uuid is null or a.product_id = $3) and ($4::uuid is null or a.id > $4) order by a.id limit $5`,
    values: [merchantIds, filter.alias ?? null, filter.productId ?? null, afterId, limit],
  });
}

export async function deleteAlias(tx: Tx, merchantId: string, id: string): Promise<boolean> {
  const gone = await tx.run({
    text: 'delete from sku_alias where merchant_id = $1 and id = $2',
    values: [merchantId, id],
  });
  return gone === 1;
}
