/**
 * A warehouse's hours and what it takes in a day, and whether it is open. Closing sets one flag, which the
 * next intake sees; what is planned there is taken out afterwards (reroute-closed). Opening gives what lies
 * there to the orders that wait for it. In the caller's transaction, which sees all merchants of the
 * organisation, and audited there.
 */
import type { WarehousePatch } from '../../contracts/organisation';
import { audit } from '../../db/audit-log.repo';
import type { Tx } from '../../db/client';
import {
  findWarehouse,
  lockWarehouse,
  merchantsServedBy,
  setWarehouseClosed,
  updateWarehouse,
  type WarehouseRow,
} from '../../db/warehouse.repo';
import { countWork, waitedForIn } from '../../db/warehouse-reroute.repo';
import { Failure } from '../../domain/failure-types';
import type { Administrator } from '../organisation';
import { bumpCatalogVersion, wakeBackorders, wakeBlocked } from '../wake-orders';

function record(
  tx: Tx,
  admin: Administrator,
  deed: {
    readonly action: string;
    readonly thingId: string;
    readonly reason?: string;
    readonly after: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  const { organisationId, actor, requestId } = admin;
  return audit(tx, { ...deed, organisationId, actor, requestId, merchantId: null, thingKind: 'warehouse' });
}

async function lock(tx: Tx, id: string, admin: Administrator): Promise<WarehouseRow> {
  const row = await lockWarehouse(tx, admin.organisationId, id);
  if (row === null) throw new Failure('NotFound', 'there is no such warehouse');
  return row;
}

/** What is left out stays. Orders planned before keep their ship-by. @throws Failure NotFound. */
export async function changeWarehouse(
  tx: Tx,
  id: string,
  patch: WarehousePatch,
  admin: Administrator,
): Promise<WarehouseRow> {
  await lock(tx, id, admin);
  await updateWarehouse(tx, id, patch);
  await record(tx, admin, { action: 'warehouse.change', thingId: id, after: patch });
  return (await findWarehouse(tx, admin.organisationId, null, id)) as WarehouseRow;
}

export interface ClosedWarehouse {
  readonly warehouse: WarehouseRow;
  /** Merchants whose orders are to be taken out. */
  readonly merchantIds: readonly string[];
  /** Fulfilment orders there that nobody has begun, and those that will be finished there. */
  readonly work: { readonly notBegun: number; readonly begun: number };
}

/** A second time changes nothing. @throws Failure NotFound. */
export async function closeWarehouse(
  tx: Tx,
  id: string,
  reason: string,
  admin: Administrator,
): Promise<ClosedWarehouse> {
  const before = await lock(tx, id, admin);
  const merchantIds = await merchantsServedBy(tx, id, admin.merchantIds);
  const work = await countWork(tx, admin.merchantIds, id);
  if (before.closed_at === null) {
    await setWarehouseClosed(tx, id, true);
    await record(tx, admin, { action: 'warehouse.close', thingId: id, reason, after: work });
  }
  const warehouse = (await findWarehouse(tx, admin.organisationId, null, id)) as WarehouseRow;
  return { warehouse, merchantIds, work };
}

/** A second time changes nothing. @throws Failure NotFound. */
export async function openWarehouse(
  tx: Tx,
  id: string,
  reason: string,
  admin: Administrator,
): Promise<WarehouseRow> {
  // Merchants before the warehouse, as intake and whoever changes a merchant lock them.
  const merchantIds = await merchantsServedBy(tx, id, admin.merchantIds);
  for (const merchantId of merchantIds) await bumpCatalogVersion(tx, merchantId);
  const before = await lock(tx, id, admin);
  if (before.closed_at === null) return before;
  await setWarehouseClosed(tx, id, false);
  for (const merchantId of merchantIds) {
    await wakeBlocked(tx, merchantId, 'no_warehouse', 'warehouse_opened');
    await wakeBackorders(tx, merchantId, await waitedForIn(tx, merchantId, id), { openedWarehouseId: id });
  }
  await record(tx, admin, { action: 'warehouse.open', thingId: id, reason, after: {} });
  return (await findWarehouse(tx, admin.organisationId, null, id)) as WarehouseRow;
}
