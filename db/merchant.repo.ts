/** Merchants and which warehouses serve them. */
import type { Tx } from './client';

export interface MerchantRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly currency: string;
  readonly payment_policy: string;
  readonly split_policy: string;
  readonly line_split_policy: string;
  readonly partial_policy: string;
  readonly short_pick_policy: string;
  readonly address_check: string;
  readonly mail_from: string;
  readonly adjustment_limit_units: number | null;
  readonly adjustment_limit_minor: bigint | null;
  readonly count_tolerance_units: number | null;
  readonly count_tolerance_percent: number | null;
  readonly count_tolerance_minor: bigint | null;
  readonly created_at: Date;
  readonly warehouse_ids: readonly string[];
}

const COLUMNS = `m.id, m.slug, m.name, m.currency, m.payment_policy, m.split_policy, m.line_split_policy, m.partial_policy, m.short_pick_policy,
  m.address_check, m.mail_from, m.adjustment_limit_units, m.adjustment_limit_minor, m.count_tolerance_units,
  m.count_tolerance_percent, m.count_tolerance_minor, m.created_at,
  array(select w.warehouse_id from merchant_warehouse w where w.merchant_id = m.id order by w.warehouse_id) as warehouse_ids`;

/** Columns that a change may set, by their name in a patch. */
export const MERCHANT_FIELDS = {
  name: 'name',
  paymentPolicy: 'payment_policy',
  splitPolicy: 'split_policy',
  lineSplitPolicy: 'line_split_policy',
  partialPolicy: 'partial_policy',
  shortPickPolicy: 'short_pick_policy',
  addressCheck: 'address_check',
  mailFrom: 'mail_from',
  adjustmentLimitUnits: 'adjustment_limit_units',
  adjustmentLimitMinor: 'adjustment_limit_minor',
  countToleranceUnits: 'count_tolerance_units',
  countTolerancePercent: 'count_tolerance_percent',
  countToleranceMinor: 'count_tolerance_minor',
} as const;

export function listMerchants(
  tx: Tx,
  merchantIds: readonly string[],
  afterId: string | null,
  limit: number,
): Promise<MerchantRow[]> {
  return tx.rows<MerchantRow>({
    text: `select ${COLUMNS} from merchant m where m.id = any($1::uuid[]) and ($2::uuid is null or m.id > $2)
      order by m.id limit $3`,
    values: [merchantIds, afterId, limit],
  });
}

export async function findMerchant(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<MerchantRow | null> {
  const [row] = await tx.rows<MerchantRow>({
    text: `select ${COLUMNS} from merchant m where m.id = any($1::uuid[]) and m.id = $2`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

/** False when the organisation has a merchant of this slug. The transaction must see the new id. */
export async function insertMerchant(
  tx: Tx,
  merchant: {
    readonly id: string;
    readonly organisationId: string;
    readonly slug: string;
    readonly name: string;
    readonly currency: string;
  },
): Promise<boolean> {
  const written = await tx.run({
    text: `insert into merchant (id, organisation_id, slug, name, currency) values ($1, $2, $3, $4, $5)
      on conflict (organisation_id, slug) do nothing`,
    values: [merchant.id, merchant.organisationId, merchant.slug, merchant.name, merchant.currency],
  });
  return written === 1;
}

export async function updateMerchant(
  tx: Tx,
  id: string,
  fields: Readonly<Partial<Record<keyof typeof MERCHANT_FIELDS, unknown>>>,
): Promise<void> {
  const names = Object.keys(fields) as (keyof typeof MERCHANT_FIELDS)[];
  await tx.run({
    text: `update merchant set ${names.map((name, index) => `${MERCHANT_FIELDS[name]} = $${index + 2}`).join(', ')}
      where id = $1`,
    values: [id, ...names.map((name) => fields[name])],
  });
}

/** Says which warehouses serve the merchant, and no others. */
export async function replaceMerchantWarehouses(
  tx: Tx,
  merchantId: string,
  warehouseIds: readonly string[],
): Promise<void> {
  await tx.run({
    text: 'delete from merchant_warehouse where merchant_id = $1 and warehouse_id <> all($2::uuid[])',
    values: [merchantId, warehouseIds],
  });
  await tx.run({
    text: `insert into merchant_warehouse (merchant_id, warehouse_id) select $1, unnest($2::uuid[]) on conflict do nothing`,
    values: [merchantId, warehouseIds],
  });
}
