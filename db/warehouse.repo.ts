/** Warehouses of an organisation. */
import type { Tx } from './client';

export interface WarehouseRow {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  readonly time_zone: string;
  readonly line1: string;
  readonly city: string;
  readonly region: string | null;
  readonly postal_code: string;
  readonly country: string;
  readonly phone: string | null;
  readonly cutoff_minutes: number;
  readonly working_days: readonly number[];
  readonly holiday_country: string | null;
  readonly closed_days: readonly string[];
  readonly orders_a_day: number | null;
  readonly units_a_day: number | null;
  readonly wms_kind: string;
  readonly closed_at: Date | null;
  readonly created_at: Date;
}

const COLUMNS = `w.id, w.code, w.name, w.time_zone, w.line1, w.city, w.region, w.postal_code, w.country, w.phone,
  w.cutoff_minutes, w.working_days, w.holiday_country, w.closed_days, w.orders_a_day, w.units_a_day, w.wms_kind, w.closed_at, w.created_at`;

/** Who may see which: null for a key that is for the whole organisation, else warehouses that serve these merchants. */
const VISIBLE = `($2::uuid[] is null or exists (select from merchant_warehouse s where s.warehouse_id = w.id
  and s.merchant_id = any($2::uuid[])))`;

export function listWarehouses(
  tx: Tx,
  organisationId: string,
  merchantIds: readonly string[] | null,
  afterId: string | null,
  limit: number,
): Promise<WarehouseRow[]> {
  return tx.rows<WarehouseRow>({
    text: `select ${COLUMNS} from warehouse w where w.organisation_id = $1 and ${VISIBLE}
      and ($3::uuid is null or w.id > $3) order by w.id limit $4`,
    values: [organisationId, merchantIds, afterId, limit],
  });
}

export async function findWarehouse(
  tx: Tx,
  organisationId: string,
  merchantIds: readonly string[] | null,
  id: string,
): Promise<WarehouseRow | null> {
  const [row] = await tx.rows<WarehouseRow>({
    text: `select ${COLUMNS} from warehouse w where w.organisation_id = $1 and ${VISIBLE} and w.id = $3`,
    values: [organisationId, merchantIds, id],
  });
  return row ?? null;
}

export interface NewWarehouseRow {
  readonly id: string;
  readonly organisationId: string;
  readonly code: string;
  readonly name: string;
  readonly timeZone: string;
  readonly line1: string;
  readonly city: string;
  readonly region: string | null;
  readonly postalCode: string;
  readonly country: string;
  readonly phone: string | null;
  readonly cutoffMinutes: number;
  readonly workingDays: readonly number[];
  readonly holidayCountry: string | null;
  readonly closedDays: readonly string[];
  readonly ordersADay: number | null;
  readonly unitsADay: number | null;
}

/** Null when the organisation has a warehouse of this code. */
export async function insertWarehouse(tx: Tx, warehouse: NewWarehouseRow): Promise<WarehouseRow | null> {
  const [row] = await tx.rows<WarehouseRow>({
    text: `insert into warehouse as w (id, organisation_id, code, name, time_zone, line1, city, region, postal_code, country,
        phone, cutoff_minutes, working_days, holiday_country, closed_days, orders_a_day, units_a_day)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
      on conflict (organisation_id, code) do nothing returning ${COLUMNS}`,
    values: [
      warehouse.id,
      warehouse.organisationId,
      warehouse.code,
      warehouse.name,
      warehouse.timeZone,
      warehouse.line1,
      warehouse.city,
      warehouse.region,
      warehouse.postalCode,
      warehouse.country,
      warehouse.phone,
      warehouse.cutoffMinutes,
      warehouse.workingDays,
      warehouse.holidayCountry,
      warehouse.closedDays,
      warehouse.ordersADay,
      warehouse.unitsADay,
    ],
  });
  return row ?? null;
}

/** How many of these the organisation has. */
export async function countWarehouses(
  tx: Tx,
  organisationId: string,
  ids: readonly string[],
): Promise<number> {
  const rows = await tx.rows({
    text: 'select 1 from warehouse where organisation_id = $1 and id = any($2::uuid[])',
    values: [organisationId, ids],
  });
  return rows.length;
}

/** Locks the warehouse until the transaction ends; work may go on being planned there meanwhile. */
export async function lockWarehouse(
  tx: Tx,
  organisationId: string,
  id: string,
): Promise<WarehouseRow | null> {
  const [row] = await tx.rows<WarehouseRow>({
    text: `select ${COLUMNS} from warehouse w where w.organisation_id = $1 and w.id = $2 for no key update`,
    values: [organisationId, id],
  });
  return row ?? null;
}

/** Columns that a change may set, by their name in a patch. */
const WAREHOUSE_FIELDS = {
  name: 'name',
  phone: 'phone',
  cutoffMinutes: 'cutoff_minutes',
  workingDays: 'working_days',
  holidayCountry: 'holiday_country',
  closedDays: 'closed_days',
  ordersADay: 'orders_a_day',
  unitsADay: 'units_a_day',
} as const;

export async function updateWarehouse(
  tx: Tx,
  id: string,
  fields: Readonly<Partial<Record<keyof typeof WAREHOUSE_FIELDS, unknown>>>,
): Promise<void> {
  const names = Object.keys(fields) as (keyof typeof WAREHOUSE_FIELDS)[];
  await tx.run({
    text: `update warehouse set ${names.map((name, index) => `${WAREHOUSE_FIELDS[name]} = $${index + 2}`).join(', ')}
      where id = $1`,
    values: [id, ...names.map((name) => fields[name])],
  });
}

export async function setWarehouseClosed(tx: Tx, id: string, closed: boolean): Promise<void> {
  await tx.run({
    text: 'update warehouse set closed_at = case when $2 then now() end where id = $1',
    values: [id, closed],
  });
}

/** Which of these merchants it serves, by id. */
export async function merchantsServedBy(
  tx: Tx,
  warehouseId: string,
  merchantIds: readonly string[],
): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>({
    text: `select merchant_id as id from merchant_warehouse where warehouse_id = $1 and merchant_id = any($2::uuid[])
      order by 1`,
    values: [warehouseId, merchantIds],
  });
  return rows.map(({ id }) => id);
}
