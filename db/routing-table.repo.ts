/** A merchant's destination zones and what parcels to them cost: tables that are replaced as a whole. */
import { uuidv7 } from 'uuidv7';
import type { ZonePlace } from '../domain/routing/rule';
import type { Tx } from './client';

export interface ZoneRow {
  readonly name: string;
  readonly places: readonly ZonePlace[];
}

/** In the order in which rates are looked up. */
export function listZones(tx: Tx, merchantId: string): Promise<ZoneRow[]> {
  return tx.rows<ZoneRow>({
    text: 'select name, places from routing_zone where merchant_id = $1 order by position',
    values: [merchantId],
  });
}

/** Zones that have a rate and are not among these stay no zones: the caller has checked that there is none. */
export async function replaceZones(tx: Tx, merchantId: string, zones: readonly ZoneRow[]): Promise<void> {
  await tx.run({
    text: 'delete from routing_zone where merchant_id = $1 and name <> all($2::text[])',
    values: [merchantId, zones.map(({ name }) => name)],
  });
  await tx.run({
    text: `insert into routing_zone (merchant_id, name, position, places)
      select $1, name, position, places from json_to_recordset($2) as z(name text, position integer, places jsonb)
      on conflict (merchant_id, name) do update set position = excluded.position, places = excluded.places`,
    values: [merchantId, JSON.stringify(zones.map((zone, position) => ({ ...zone, position })))],
  });
}

export interface RateRow {
  readonly warehouse_id: string;
  readonly zone: string | null;
  readonly base_minor: bigint;
  readonly per_kg_minor: bigint;
}

export function listRates(tx: Tx, merchantId: string): Promise<RateRow[]> {
  return tx.rows<RateRow>({
    text: `select warehouse_id, zone, base_minor, per_kg_minor from routing_rate where merchant_id = $1
      order by warehouse_id, zone nulls last`,
    values: [merchantId],
  });
}

export async function replaceRates(
  tx: Tx,
  merchantId: string,
  rates: readonly {
    readonly warehouseId: string;
    readonly zone: string | null;
    readonly baseMinor: string;
    readonly perKgMinor: string;
  }[],
): Promise<void> {
  await tx.run({ text: 'delete from routing_rate where merchant_id = $1', values: [merchantId] });
  await tx.run({
    text: `insert into routing_rate (id, merchant_id, warehouse_id, zone, base_minor, per_kg_minor)
      select id, $1, "warehouseId", zone, "baseMinor", "perKgMinor"
      from json_to_recordset($2) as r(id uuid, "warehouseId" uuid, zone text, "baseMinor" bigint, "perKgMinor" bigint)`,
    values: [merchantId, JSON.stringify(rates.map((rate) => ({ ...rate, id: uuidv7() })))],
  });
}

/** Which of these serve the merchant. */
export async function servingWarehouses(
  tx: Tx,
  merchantId: string,
  warehouseIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await tx.rows<{ id: string }>({
    text: 'select warehouse_id as id from merchant_warehouse where merchant_id = $1 and warehouse_id = any($2::uuid[])',
    values: [merchantId, warehouseIds],
  });
  return new Set(rows.map(({ id }) => id));
}
