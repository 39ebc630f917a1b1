/** How channels' shipping methods map to service levels and carriers' services. */
import type { Tx } from './client';

export interface ShippingMethodRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly connection_id: string | null;
  readonly method: string;
  readonly service_level: string;
  readonly services: readonly string[];
  readonly max_days: number | null;
}

const COLUMNS = 'id, merchant_id, connection_id, method, service_level, services, max_days';

export interface NewShippingMethodRow {
  readonly id: string;
  readonly merchantId: string;
  readonly connectionId: string | null;
  readonly method: string;
  readonly serviceLevel: string;
  readonly services: readonly string[];
  readonly maxDays: number | null;
}

/** Null when the channel's method is mapped already. */
export async function insertShippingMethod(
  tx: Tx,
  method: NewShippingMethodRow,
): Promise<ShippingMethodRow | null> {
  const [row] = await tx.rows<ShippingMethodRow>({
    text: `insert into shipping_method_map (id, merchant_id, connection_id, method, service_level, services, max_days)
      values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning ${COLUMNS}`,
    values: [
      method.id,
      method.merchantId,
      method.connectionId,
      method.method,
      method.serviceLevel,
      method.services,
      method.maxDays,
    ],
  });
  return row ?? null;
}

export function listShippingMethods(
  tx: Tx,
  merchantIds: readonly string[],
  afterId: string | null,
  limit: number,
): Promise<ShippingMethodRow[]> {
  return tx.rows<ShippingMethodRow>({
    text: `select ${COLUMNS} from shipping_method_map where merchant_id = any($1::uuid[])
      and ($2::uuid is null or id > $2) order by id limit $3`,
    values: [merchantIds, afterId, limit],
  });
}

/** What was removed, null when the merchants have no such mapping. */
export async function deleteShippingMethod(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<ShippingMethodRow | null> {
  const [row] = await tx.rows<ShippingMethodRow>({
    text: `delete from shipping_method_map where merchant_id = any($1::uuid[]) and id = $2 returning ${COLUMNS}`,
    values: [merchantIds, id],
  });
  return row ?? null;
}
