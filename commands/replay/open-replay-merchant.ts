/**
 * The merchant as whom a file is replayed: its own warehouse in the UK, floor staff, cartons, shipping
 * method and channel, in an organisation that exists. Every id follows from its name, so opening it again
 * finds it. It lives in the time of its data: its clock starts at the first moment of the file.
 */
import { createHash } from 'node:crypto';
import { insertApiKey } from '../../db/api-key.repo';
import type { Database, Tx } from '../../db/client';
import { insertRows } from '../../db/insert-rows';
import { RETAIL_SHIPPING_METHOD } from '../../domain/retail/retail-order';
import { replayId, replayPlaceId } from './replay-ids';

export const REPLAY_MERCHANT_SLUG = 'retail-replay';
/** Names the file in inbox rows and in the causes of stock movements. */
export const REPLAY_SOURCE = 'online-retail';

export interface OpenReplayMerchant {
  readonly organisationId: string;
  /** First moment of the data, RFC 3339. */
  readonly startsAt: string;
  /** A key of ours for the floor's staff; stored as its digest. */
  readonly floorKey: string;
}

export interface ReplayMerchant {
  readonly organisationId: string;
  readonly merchantId: string;
  readonly connectionId: string;
  readonly warehouseId: string;
  readonly personIds: readonly string[];
  /** Where goods are put, by the number of the product. */
  readonly binCodes: readonly string[];
}

/** Enough hands that the floor isn't what orders wait for on two cores. */
const PERSONS = 12;
const AISLES = 8;
const BAYS = 30;
/** Kind and first characters, as keys are shown in lists. */
const SHOWN_KEY_LENGTH = 16;

const two = (n: number) => String(n).padStart(2, '0');
const BINS = Array.from({ length: AISLES * BAYS }, (_, index) => {
  const aisle = Math.floor(index / BAYS) + 1;
  const bay = (index % BAYS) + 1;
  return { code: `${two(aisle)}-${two(bay)}`, zone: 'PICK', kind: 'bin', aisle, bay };
});
const PLACES = [
  ...BINS,
  { code: 'DOCK-1', zone: 'INBOUND', kind: 'dock', aisle: null, bay: null },
  { code: 'PACK-1', zone: 'OUTBOUND', kind: 'packing', aisle: null, bay: null },
  { code: 'STAGE-1', zone: 'OUTBOUND', kind: 'staging', aisle: null, bay: null },
  { code: 'QUARANTINE-1', zone: 'QUALITY', kind: 'quarantine', aisle: null, bay: null },
  { code: 'DAMAGED-1', zone: 'QUALITY', kind: 'damaged', aisle: null, bay: null },
];
const CARTONS = [
  { code: 'MAILER', sides: [380, 300, 40], tareGrams: 40, maxGrams: 2_000, costMinor: 18 },
  { code: 'BOX-S', sides: [250, 200, 150], tareGrams: 110, maxGrams: 8_000, costMinor: 36 },
  { code: 'BOX-M', sides: [400, 300, 250], tareGrams: 240, maxGrams: 20_000, costMinor: 64 },
  { code: 'BOX-L', sides: [600, 400, 400], tareGrams: 520, maxGrams: 30_000, costMinor: 115 },
] as const;

/** Makes the merchant, or finds it. */
export async function openReplayMerchant(
  database: Database,
  open: OpenReplayMerchant,
): Promise<ReplayMerchant> {
  const { organisationId } = open;
  const id = (name: string) => replayId(organisationId, name);
  const merchant: ReplayMerchant = {
    organisationId,
    merchantId: id('merchant'),
    connectionId: id('connection'),
    warehouseId: id('warehouse'),
    personIds: Array.from({ length: PERSONS }, (_, index) => id(`person ${index + 1}`)),
    binCodes: BINS.map(({ code }) => code),
  };
  const tenants = { merchantIds: [merchant.merchantId], organisationIds: [organisationId] };
  await database.withTenants(tenants, async (tx) => {
    await insertMerchant(tx, merchant, open.startsAt);
    await insertSite(tx, merchant);
    await insertTrade(tx, merchant);
    await insertPeople(tx, merchant, open.floorKey);
  });
  return merchant;
}

async function insertMerchant(tx: Tx, merchant: ReplayMerchant, startsAt: string): Promise<void> {
  const { organisationId, merchantId } = merchant;
  // Made-up addresses are for our own check; a carrier would be asked in vain.
  await insertRows(
    tx,
    'merchant',
    ['id', 'organisation_id', 'slug', 'name', 'currency', 'address_check', 'mail_from', 'business_now'],
    [
      [
        merchantId,
        organisationId,
        REPLAY_MERCHANT_SLUG,
        'Replayed retailer',
        'GBP',
        'local',
        'orders@retail.example',
        startsAt,
      ],
    ],
  );
}

async function insertSite(tx: Tx, merchant: ReplayMerchant): Promise<void> {
  const { organisationId, merchantId, warehouseId } = merchant;
  const site = {
    id: warehouseId,
    organisation_id: organisationId,
    code: 'UK-REPLAY',
    name: 'Replay warehouse UK',
    time_zone: 'Europe/London',
    line1: '1 Demo Dock Road',
    city: 'Demo City',
    postal_code: 'ZZ1 1ZZ',
    country: 'GB',
    phone: '+44 20 7946 0000',
    holiday_country: 'GB',
  };
  await insertRows(tx, 'warehouse', Object.keys(site), [Object.values(site)]);
  await insertRows(
    tx,
    'location',
    ['id', 'organisation_id', 'warehouse_id', 'code', 'zone', 'kind', 'aisle', 'bay', 'level'],
    PLACES.map(({ code, zone, kind, aisle, bay }) => [
      replayPlaceId(organisationId, code),
      organisationId,
      warehouseId,
      code,
      zone,
      kind,
      aisle,
      bay,
      aisle === null ? null : 1,
    ]),
  );
  await insertRows(
    tx,
    'location',
    ['id', 'organisation_id', 'code', 'kind'],
    ['supplier', 'customer', 'adjustment'].map((kind) => [
      replayPlaceId(organisationId, kind),
      organisationId,
      kind.toUpperCase(),
      kind,
    ]),
  );
  await insertRows(tx, 'merchant_warehouse', ['merchant_id', 'warehouse_id'], [[merchantId, warehouseId]]);
}

async function insertTrade(tx: Tx, merchant: ReplayMerchant): Promise<void> {
  const { organisationId, merchantId, connectionId } = merchant;
  const id = (name: string) => replayId(organisationId, name);
  await insertRows(
    tx,
    'channel_connection',
    ['id', 'merchant_id', 'channel', 'name', 'tells_tracking'],
    [[connectionId, merchantId, 'csv', 'Online Retail file', false]],
  );
  await insertRows(
    tx,
    'carton',
    [
      'id',
      'merchant_id',
      'code',
      'length_mm',
      'width_mm',
      'height_mm',
      'tare_grams',
      'max_grams',
      'cost_minor',
    ],
    CARTONS.map((one) => [
      id(`carton ${one.code}`),
      merchantId,
      one.code,
      ...one.sides,
      one.tareGrams,
      one.maxGrams,
      one.costMinor,
    ]),
  );
  await insertRows(
    tx,
    'shipping_method_map',
    ['id', 'merchant_id', 'method', 'service_level'],
    [[id('shipping method'), merchantId, RETAIL_SHIPPING_METHOD, 'standard']],
  );
}

async function insertPeople(tx: Tx, merchant: ReplayMerchant, floorKey: string): Promise<void> {
  const { organisationId, merchantId, personIds } = merchant;
  await insertRows(
    tx,
    'person',
    ['id', 'organisation_id', 'name', 'role'],
    personIds.map((personId, index) => [
      personId,
      organisationId,
      `Replay floor person ${index + 1}`,
      'floor',
    ]),
  );
  const sha256 = createHash('sha256').update(floorKey).digest();
  const known = await tx.rows({ text: 'select from api_key where key_sha256 = $1', values: [sha256] });
  if (known.length > 0) return;
  await insertApiKey(tx, {
    id: replayId(organisationId, `key ${sha256.toString('hex')}`),
    organisationId,
    name: 'Floor of the replay',
    prefix: floorKey.slice(0, SHOWN_KEY_LENGTH),
    sha256,
    scopes: ['floor'],
    merchantIds: [merchantId],
    personId: null,
    expiresAt: null,
  });
}
