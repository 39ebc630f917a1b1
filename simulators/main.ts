/**
 * The simulators role: every partner of the demo in one process, each a server of its own on loopback,
 * and the people around them (customers who order, staff who pick and pack). It knows what partners would
 * know: our API's address, the credentials they were given, and nothing of our database. Their memories
 * lie in the state directory, so they go on where they stopped.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { demoShopProducts } from './demo-catalogue';
import { type DemoCredentials, demoCredentials } from './demo-credentials';
import { DEMO_FLOOR_PEOPLE, DEMO_WAREHOUSE_CODES, warehouseId } from './demo-ids';
import { startEasyPostSimulator } from './easypost';
import { runFloorSimulator } from './floor';
import { createGenericShop } from './generic-shop';
import { startMailSimulator } from './mail';
import { type OrderGenerator, startOrderGenerator } from './order-generator';
import { createShopifySimulator } from './shopify';

/** Shopify retries over four hours; over half a minute one sees it happen. */
const WEBHOOK_RETRY_SCALE = 0.002;

const port = z.coerce.number().int().min(0).max(65_535);

/** What the role reads from its environment. */
export const simulatorsEnvironment = z.object({
  /** What keys and credentials are derived from; the seed is given the same. */
  QUAYSIDE_DEMO_SECRET: z.string().min(16),
  /** Where the simulated partners and staff reach our API. */
  PUBLIC_URL: z.url().default('http://127.0.0.1:8080'),
  /** Orders a minute that customers place in the simulated shop. */
  SIMULATOR_RATE: z.coerce.number().min(0).max(6_000).default(12),
  SIMULATOR_SHOP_PORT: port.default(9101),
  SIMULATOR_WEBHOOK_SHOP_PORT: port.default(9102),
  SIMULATOR_CARRIER_PORT: port.default(9103),
  SIMULATOR_MAIL_PORT: port.default(9104),
  SIMULATOR_SMTP_PORT: port.default(9105),
  /** What a scan on the floor takes, in milliseconds. */
  SIMULATOR_FLOOR_PACE_MS: z.coerce.number().min(0).max(60_000).default(300),
  /** Milliseconds to a carrier's first scan, and between two; a demo's parcel arrives in half a minute. */
  SIMULATOR_FIRST_SCAN_MS: z.coerce.number().int().min(0).max(86_400_000).default(15_000),
  SIMULATOR_TRANSIT_STEP_MS: z.coerce.number().int().min(0).max(86_400_000).default(5_000),
  /** Where they listen; read by simulator-server.ts. */
  SIMULATOR_HOST: z.string().default('127.0.0.1'),
  /** Where the partners' memories are kept; without it each start begins anew. */
  SIMULATOR_STATE_DIR: z.string().optional(),
});
export type SimulatorsConfig = z.output<typeof simulatorsEnvironment>;

/** @throws Error that names every wrong variable. */
export function simulatorsConfig(env: NodeJS.ProcessEnv = process.env): SimulatorsConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = simulatorsEnvironment.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`the configuration of the simulators is wrong:\n${problems.join('\n')}`);
}

export interface RunningSimulators {
  /** Origins by name. */
  readonly urls: Readonly<Record<string, string>>;
  readonly smtpUrl: string;
  readonly orders: OrderGenerator;
  close(): Promise<void>;
}

/** @throws the listen error when a port is taken. */
export async function runSimulators(config: SimulatorsConfig): Promise<RunningSimulators> {
  const credentials = demoCredentials(config.QUAYSIDE_DEMO_SECRET);
  const started: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(one: T): T => {
    started.push(one);
    return one;
  };
  try {
    const shop = keep(await startShop(config, credentials));
    const webhookShop = keep(await startWebhookShop(config, credentials));
    const carrier = keep(await startCarrier(config, credentials));
    const mail = keep(
      await startMailSimulator({
        port: config.SIMULATOR_MAIL_PORT,
        smtpPort: config.SIMULATOR_SMTP_PORT,
        ...stateFile(config, 'mail'),
      }),
    );
    const floor = startFloor(config, credentials);
    started.push(floor);
    const orders = startOrderGenerator(shop.shop, shop.memory, config.SIMULATOR_RATE);
    return {
      urls: { shop: shop.url, 'webhook-shop': webhookShop.url, carrier: carrier.url, mail: mail.url },
      smtpUrl: mail.smtpUrl,
      orders,
      async close() {
        orders.close();
        await closeAll(started);
      },
    };
  } catch (error) {
    await closeAll(started);
    throw error;
  }
}

async function closeAll(started: readonly { close(): Promise<void> }[]): Promise<void> {
  await Promise.all(started.map((one) => one.close()));
}

function stateFile(config: SimulatorsConfig, name: string): { stateFile?: string } {
  const dir = config.SIMULATOR_STATE_DIR;
  return dir === undefined ? {} : { stateFile: join(dir, `${name}.jsonl`) };
}

async function startShop(config: SimulatorsConfig, { shopify }: DemoCredentials) {
  const simulator = await createShopifySimulator({
    port: config.SIMULATOR_SHOP_PORT,
    accessToken: shopify.accessToken,
    webhook: {
      url: hook(config, 'channels', shopify.webhookPath),
      secret: shopify.webhookSecret,
      retryScale: WEBHOOK_RETRY_SCALE,
    },
    ...stateFile(config, 'shop'),
  });
  simulator.shop.setProducts(demoShopProducts());
  return simulator;
}

function startWebhookShop(config: SimulatorsConfig, { generic }: DemoCredentials) {
  return createGenericShop({
    port: config.SIMULATOR_WEBHOOK_SHOP_PORT,
    receivingSecret: generic.signingSecret,
    webhook: {
      url: hook(config, 'channels', generic.webhookPath),
      secret: generic.webhookSecret,
      retryScale: WEBHOOK_RETRY_SCALE,
    },
    ...stateFile(config, 'webhook-shop'),
  });
}

async function startCarrier(config: SimulatorsConfig, { easypost }: DemoCredentials) {
  const simulator = await startEasyPostSimulator({
    port: config.SIMULATOR_CARRIER_PORT,
    apiKeys: [easypost.apiKey],
    settings: {
      transit: { firstScanMs: config.SIMULATOR_FIRST_SCAN_MS, stepMs: config.SIMULATOR_TRANSIT_STEP_MS },
    },
    ...stateFile(config, 'carrier'),
  });
  // An address of an earlier run, before the API's port moved, would be told of parcels for ever.
  for (const { id, url } of simulator.memory.list<{ id: string; url: string }>('webhook'))
    if (url !== hook(config, 'carriers', easypost.webhookPath)) simulator.memory.remove('webhook', id);
  simulator.addWebhook(hook(config, 'carriers', easypost.webhookPath), easypost.webhookSecret);
  return simulator;
}

/** The demo's people, in all of its warehouses. */
function startFloor(config: SimulatorsConfig, { floorKey }: DemoCredentials): { close(): Promise<void> } {
  const closing = new AbortController();
  const floor = runFloorSimulator({
    apiUrl: config.PUBLIC_URL,
    apiKey: floorKey,
    persons: DEMO_FLOOR_PEOPLE.map(({ id }) => id),
    warehouses: DEMO_WAREHOUSE_CODES.map((code) => warehouseId({ code })),
    paceMs: config.SIMULATOR_FLOOR_PACE_MS,
    signal: closing.signal,
    log: (line) => process.stderr.write(`floor: ${line}\n`),
  });
  return {
    close: () => {
      closing.abort();
      return floor.finished;
    },
  };
}

/** The address that a partner is given for its webhooks. */
function hook(config: SimulatorsConfig, kind: 'channels' | 'carriers', path: string): string {
  return `${config.PUBLIC_URL}/webhooks/${kind}/${path}`;
}
