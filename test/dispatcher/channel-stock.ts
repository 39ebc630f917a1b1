/** What the tests of published stock share: simulated shops connected to a merchant, their listings, and stock that changes. */
import { randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { putListings } from '../../commands/channels/change-listings';
import { adjustStock } from '../../commands/stock/adjust-stock';
import { genericConnector } from '../../connectors/channels/generic';
import type { ChannelConnector } from '../../connectors/channels/port';
import { shopifyConnector } from '../../connectors/channels/shopify';
import { listingsSchema } from '../../contracts/channel-stock';
import type { Database } from '../../db/client';
import { sealSecrets } from '../../db/sealed';
import { type StockSync, type StockSyncOptions, startStockSync } from '../../dispatcher/stock-sync';
import { createGenericShop, type GenericShop } from '../../simulators/generic-shop';
import { createShopifySimulator, DEFAULT_LOCATION_ID, type ShopifySimulator } from '../../simulators/shopify';
import type { SeededMerchant } from '../support/merchant';
import { KEYS, quiet } from './engine';

export const CONNECTORS: Readonly<Record<string, ChannelConnector>> = {
  shopify: shopifyConnector,
  generic: genericConnector,
};

export interface ConnectedShop {
  readonly connectionId: string;
  /** What the shop shows of an item; null when it doesn't know it. */
  quantityOf(item: string): number | null;
  /** Somebody in the shop changes it, or a customer buys. */
  change(item: string, quantity: number): void;
  remove(item: string): void;
  /** Calls that set quantities, by what each carried. */
  pushes(): number;
  readonly simulator: ShopifySimulator | GenericShop;
  close(): Promise<void>;
}

const SHOPIFY_TOKEN = 'test-token';

export async function connectShopify(
  database: Database,
  merchantId: string,
  options: { readonly pointsPerSecond?: number } = {},
): Promise<ConnectedShop> {
  const simulator = await createShopifySimulator({ accessToken: SHOPIFY_TOKEN, ...options });
  const connectionId = await connect(database, merchantId, 'shopify', simulator.url, {
    accessToken: SHOPIFY_TOKEN,
  });
  const place = (item: string) => ({ inventoryItemId: item, locationId: DEFAULT_LOCATION_ID });
  return {
    connectionId,
    quantityOf: (item) => simulator.shop.level(item, DEFAULT_LOCATION_ID)?.available ?? null,
    change: (item, available) => simulator.shop.setLevel({ ...place(item), available }),
    remove: (item) => simulator.shop.removeItem(item),
    pushes: () => new Set(simulator.journal.facts('quantity_set').map(({ fact }) => fact['key'])).size,
    simulator,
    close: () => simulator.close(),
  };
}

export async function connectGeneric(database: Database, merchantId: string): Promise<ConnectedShop> {
  const signingSecret = `whsec_${randomBytes(24).toString('base64')}`;
  const simulator = await createGenericShop({ receivingSecret: signingSecret });
  const url = `${simulator.url}/events`;
  const connectionId = await connect(database, merchantId, 'generic', url, { signingSecret });
  return {
    connectionId,
    quantityOf: (item) => simulator.stock.of({ itemId: item, locationId: '' }),
    change: (item, quantity) => simulator.stock.change({ itemId: item, locationId: '', quantity }),
    remove: (item) => simulator.stock.remove(item),
    pushes: () => simulator.journal.facts('quantity_set').length,
    simulator,
    close: () => simulator.close(),
  };
}

async function connect(
  database: Database,
  merchantId: string,
  channel: string,
  baseUrl: string,
  credentials: Readonly<Record<string, string>>,
): Promise<string> {
  const id = uuidv7();
  await database.withMerchants([merchantId], (tx) =>
    tx.run({
      text: `insert into channel_connection (id, merchant_id, channel, name, base_url, credentials_sealed)
        values ($1, $2, $3, 'Demo shop', $4, $5)`,
      values: [id, merchantId, channel, baseUrl, sealSecrets(KEYS, credentials)],
    }),
  );
  return id;
}

export interface ListingGiven {
  readonly item: string;
  readonly sku: string;
  readonly buffer?: number;
  readonly cap?: number;
  readonly units?: number;
}

/** Lists products in the shop; a Shopify shop stocks an item before it can be told of it. */
export async function list(
  database: Database,
  merchantId: string,
  shop: ConnectedShop,
  listings: readonly ListingGiven[],
): Promise<readonly string[]> {
  const shopify = 'shop' in shop.simulator;
  if (shopify) for (const { item } of listings) shop.change(item, 0);
  const body = listingsSchema.parse({
    connectionId: shop.connectionId,
    listings: listings.map(({ item, ...rest }) => ({
      externalItemId: item,
      externalLocationId: shopify ? DEFAULT_LOCATION_ID : '',
      ...rest,
    })),
  });
  const saved = await database.withMerchants([merchantId], (tx) =>
    putListings(tx, merchantId, body, { actor: 'test', requestId: null }),
  );
  return saved.map(({ id }) => id);
}

/** Adds units of a product to the merchant's first warehouse, or takes them. */
export async function changeStock(
  database: Database,
  merchant: SeededMerchant,
  sku: string,
  delta: number,
): Promise<void> {
  const warehouse = merchant.warehouses[0];
  const bin = warehouse?.bins[0];
  if (warehouse === undefined || bin === undefined) throw new Error('the merchant has no bin');
  await adjustStock(database, {
    merchantId: merchant.merchantId,
    causeId: `test:${uuidv7()}`,
    kind: 'adjustment',
    warehouseId: warehouse.id,
    reason: 'a test',
    actor: 'test',
    lines: [{ sku, locationId: bin.id, delta }],
  });
}

export function startSync(database: Database, options: Partial<StockSyncOptions> = {}): StockSync {
  return startStockSync({ database, keys: KEYS, connectors: CONNECTORS, log: quiet, ...options });
}
