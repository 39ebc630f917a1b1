/**
 * What an organisation is made of: merchants, warehouses, places, keys. Each in the caller's
 * transaction, audited there. A key never gives more than its maker has: whoever acts for some
 * merchants can only make keys for those.
 */
import { uuidv7 } from 'uuidv7';
import type {
  MerchantPatch,
  NewApiKey,
  NewLocation,
  NewMerchant,
  NewPerson,
  NewWarehouse,
} from '../contracts/organisation';
import { insertApiKey, personExists, revokeApiKey } from '../db/api-key.repo';
import { audit } from '../db/audit-log.repo';
import type { Tx } from '../db/client';
import { insertLocation, type LocationRow } from '../db/location.repo';
import {
  findMerchant,
  insertMerchant,
  type MerchantRow,
  replaceMerchantWarehouses,
  updateMerchant,
} from '../db/merchant.repo';
import { insertPerson, type PersonRow } from '../db/person.repo';
import { countWarehouses, insertWarehouse, type WarehouseRow } from '../db/warehouse.repo';
import { Failure } from '../domain/failure-types';
import { changedFacts } from './changed-facts';
import { bumpCatalogVersion } from './wake-orders';

export interface Administrator {
  readonly organisationId: string;
  readonly merchantIds: readonly string[];
  readonly allMerchants: boolean;
  readonly actor: string;
  readonly requestId: string | null;
}

function record(
  tx: Tx,
  admin: Administrator,
  entry: {
    readonly merchantId?: string;
    readonly action: string;
    readonly thingKind: string;
    readonly thingId: string;
    readonly before?: Readonly<Record<string, unknown>>;
    readonly after?: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  const { organisationId, actor, requestId } = admin;
  return audit(tx, { organisationId, actor, requestId, merchantId: null, ...entry });
}

/** @returns null when the slug is taken. The transaction must see `id`. */
export async function createMerchant(
  tx: Tx,
  id: string,
  merchant: NewMerchant,
  admin: Administrator,
): Promise<MerchantRow | null> {
  if (!(await insertMerchant(tx, { ...merchant, id, organisationId: admin.organisationId }))) return null;
  await record(tx, admin, {
    merchantId: id,
    action: 'merchant.create',
    thingKind: 'merchant',
    thingId: id,
    after: { slug: merchant.slug },
  });
  return findMerchant(tx, [id], id);
}

/** @throws Failure NotFound. */
export async function changeMerchant(
  tx: Tx,
  id: string,
  patch: MerchantPatch,
  admin: Administrator,
): Promise<MerchantRow> {
  if ((await findMerchant(tx, admin.merchantIds, id)) === null) {
    throw new Failure('NotFound', 'there is no such merchant');
  }
  // It locks the row: what is read next is what this changes.
  await bumpCatalogVersion(tx, id);
  const before = (await findMerchant(tx, admin.merchantIds, id)) as MerchantRow;
  await updateMerchant(tx, id, patch);
  const row = (await findMerchant(tx, admin.merchantIds, id)) as MerchantRow;
  await record(tx, admin, {
    merchantId: id,
    action: 'merchant.change',
    thingKind: 'merchant',
    thingId: id,
    ...changedFacts(before, row),
  });
  return row;
}

/** @throws Failure NotFound for the merchant, InvalidInput for a warehouse of somebody else. */
export async function assignWarehouses(
  tx: Tx,
  id: string,
  warehouseIds: readonly string[],
  admin: Administrator,
): Promise<MerchantRow> {
  if ((await findMerchant(tx, admin.merchantIds, id)) === null) {
    throw new Failure('NotFound', 'there is no such merchant');
  }
  const wanted = [...new Set(warehouseIds)];
  if ((await countWarehouses(tx, admin.organisationId, wanted)) !== wanted.length) {
    throw new Failure('InvalidInput', 'there is no such warehouse', {
      errors: [{ pointer: '/warehouseIds', message: 'there is no such warehouse' }],
    });
  }
  await bumpCatalogVersion(tx, id);
  const before = (await findMerchant(tx, admin.merchantIds, id)) as MerchantRow;
  await replaceMerchantWarehouses(tx, id, wanted);
  const row = (await findMerchant(tx, admin.merchantIds, id)) as MerchantRow;
  await record(tx, admin, {
    merchantId: id,
    action: 'merchant.warehouses',
    thingKind: 'merchant',
    thingId: id,
    ...changedFacts(before, row),
  });
  return row;
}

/** Adds somebody who works for the organisation; the audit log has the id and the role, never the name. */
export async function createPerson(tx: Tx, person: NewPerson, admin: Administrator): Promise<PersonRow> {
  const { organisationId } = admin;
  const row = await insertPerson(tx, { ...person, id: uuidv7(), organisationId });
  const { id, role } = row;
  await record(tx, admin, { action: 'person.create', thingKind: 'person', thingId: id, after: { role } });
  return row;
}

/** @returns null when the code is taken. */
export async function createWarehouse(
  tx: Tx,
  warehouse: NewWarehouse,
  admin: Administrator,
): Promise<WarehouseRow | null> {
  const id = uuidv7();
  const row = await insertWarehouse(tx, { ...warehouse, id, organisationId: admin.organisationId });
  if (row === null) return null;
  const after = { code: row.code };
  await record(tx, admin, { action: 'warehouse.create', thingKind: 'warehouse', thingId: id, after });
  return row;
}

/** @returns null when the code is taken. The warehouse must be the organisation's. */
export async function createLocation(
  tx: Tx,
  warehouseId: string,
  location: NewLocation,
  admin: Administrator,
): Promise<LocationRow | null> {
  const id = uuidv7();
  const row = await insertLocation(tx, {
    ...location,
    id,
    warehouseId,
    organisationId: admin.organisationId,
  });
  if (row === null) return null;
  const after = { code: row.code, warehouseId };
  await record(tx, admin, { action: 'location.create', thingKind: 'location', thingId: id, after });
  return row;
}

/** @throws Failure InvalidInput when the key would be for more than its maker is, or for nobody's person. */
export async function createApiKey(
  tx: Tx,
  key: NewApiKey,
  secret: { readonly prefix: string; readonly sha256: Buffer },
  admin: Administrator,
): Promise<string> {
  const errors: { pointer: string; message: string }[] = [];
  if (key.merchantIds === null && !admin.allMerchants) {
    errors.push({ pointer: '/merchantIds', message: 'your own key is not for all merchants' });
  }
  if (key.merchantIds?.some((id) => !admin.merchantIds.includes(id))) {
    errors.push({ pointer: '/merchantIds', message: 'there is no such merchant' });
  }
  if (key.scopes.includes('floor') && key.personId === null) {
    errors.push({ pointer: '/personId', message: 'a key for the floor belongs to a person' });
  }
  if (key.personId !== null && !(await personExists(tx, admin.organisationId, key.personId))) {
    errors.push({ pointer: '/personId', message: 'there is no such person' });
  }
  if (errors.length > 0) throw new Failure('InvalidInput', 'the key can not be made', { errors });
  const id = uuidv7();
  await insertApiKey(tx, {
    id,
    organisationId: admin.organisationId,
    name: key.name,
    prefix: secret.prefix,
    sha256: secret.sha256,
    scopes: key.scopes,
    merchantIds: key.merchantIds,
    personId: key.personId,
    expiresAt: key.expiresAt === null ? null : new Date(key.expiresAt),
  });
  await record(tx, admin, {
    action: 'api_key.create',
    thingKind: 'api_key',
    thingId: id,
    after: { prefix: secret.prefix, scopes: key.scopes, merchantIds: key.merchantIds },
  });
  return id;
}

/** @throws Failure NotFound, also for a key that reaches merchants which the caller doesn't. */
export async function revokeKey(tx: Tx, id: string, admin: Administrator) {
  const row = await revokeApiKey(tx, admin.organisationId, id);
  if (row === null || !reaches(admin, row.merchant_ids)) {
    throw new Failure('NotFound', 'there is no such key');
  }
  await record(tx, admin, { action: 'api_key.revoke', thingKind: 'api_key', thingId: id });
  return row;
}

/** Whether a key of these merchants is within what the administrator may see. */
export function reaches(admin: Administrator, merchantIds: readonly string[] | null): boolean {
  if (admin.allMerchants) return true;
  return merchantIds !== null && merchantIds.every((id) => admin.merchantIds.includes(id));
}
