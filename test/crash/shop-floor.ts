/**
 * The merchant of the run and the people around it. A retailer who lives in the time of the data, in the
 * demo's organisation, whose simulated carrier ships for it; a few goods are scarce, so that orders
 * compete for them; a receiver takes the merchant's webhooks. Staff and driver work without delay and by
 * the floor API and the carrier alone.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { uuidv7 } from 'uuidv7';
import { openReplayMerchant, type ReplayMerchant } from '../../commands/replay/open-replay-merchant';
import { AMPLE_UNITS, replayGoods, stockReplayGoods } from '../../commands/replay/stock-replay-goods';
import { required } from '../../config';
import { insertApiKey } from '../../db/api-key.repo';
import { readParcelsAtTheDoor } from '../../db/replay.repo';
import { sealSecrets } from '../../db/sealed';
import { groupBy } from '../../domain/group-by';
import { type RetailInvoice, soldLines } from '../../domain/retail/online-retail';
import { startCarrierDriver } from '../../simulators/carrier-driver';
import { DEMO_IDS } from '../../simulators/demo-ids';
import { seededRandom } from '../../simulators/fault-knobs';
import { runFloorSimulator } from '../../simulators/floor';
import type { CrashEngine } from './crash-engine';

/** A retail order has some twenty lines: a few scarce codes touch about one order in five. */
const SCARCE_CODES = 8;
/** Of a scarce code there is half of what is asked for, and as many orders at least ask for it. */
const WANTED_BY = 4;
/** What the simulated carrier takes at once. */
const PARCELS_AT_ONCE = 5_000;

export interface CrashMerchant extends ReplayMerchant {
  /** Places orders by the API. */
  readonly ordersKey: string;
  readonly floorKey: string;
  /** Units at the beginning, by code. */
  readonly openingUnits: ReadonlyMap<string, number>;
  /** Codes of which there is less than is asked for. */
  readonly scarce: ReadonlySet<string>;
}

export interface Receiving {
  readonly url: string;
  /** `whsec_…` */
  readonly secret: string;
}

export async function openCrashMerchant(
  { database, config }: CrashEngine,
  invoices: readonly RetailInvoice[],
  receiver: Receiving,
  seed: number,
): Promise<CrashMerchant> {
  const { organisationId } = DEMO_IDS;
  const floorKey = newKey();
  const ordersKey = newKey();
  const at = invoices[0]?.placedAt ?? new Date().toISOString();
  const merchant = await openReplayMerchant(database, { organisationId, startsAt: at, floorKey });
  const scarceUnits = drawScarce(invoices, seed);
  const openingUnits = new Map<string, number>();
  const unitsOf = (code: string) => scarceUnits.get(code) ?? AMPLE_UNITS;
  const byUnits = groupBy(replayGoods(invoices), ({ code }) => String(unitsOf(code)));
  for (const [units, goods] of byUnits) {
    for (const { code } of goods) openingUnits.set(code, unitsOf(code));
    await stockReplayGoods(database, merchant, { goods, openingUnits: Number(units), at });
  }
  const tenants = { merchantIds: [merchant.merchantId], organisationIds: [organisationId] };
  await database.withTenants(tenants, async (tx) => {
    await insertApiKey(tx, {
      id: uuidv7(),
      organisationId,
      name: 'Orders of the crash run',
      prefix: ordersKey.slice(0, 16),
      sha256: createHash('sha256').update(ordersKey).digest(),
      scopes: ['orders:read', 'orders:write'],
      merchantIds: [merchant.merchantId],
      personId: null,
      expiresAt: null,
    });
    await tx.run({
      text: 'insert into webhook_endpoint (id, merchant_id, url, secrets_sealed) values ($1, $2, $3, $4)',
      values: [
        uuidv7(),
        merchant.merchantId,
        receiver.url,
        sealSecrets(required(config, 'QUAYSIDE_ENCRYPTION_KEYS'), { first: receiver.secret }),
      ],
    });
  });
  return { ...merchant, ordersKey, floorKey, openingUnits, scarce: new Set(scarceUnits.keys()) };
}

/** Units of the goods that not everybody can have. */
function drawScarce(invoices: readonly RetailInvoice[], seed: number): Map<string, number> {
  const random = seededRandom(seed);
  const lines = groupBy(invoices.flatMap(soldLines), ({ code }) => code);
  const wanted = [...lines].filter(([, some]) => some.length >= WANTED_BY);
  return new Map(
    wanted
      .map(([code, some]) => ({ code, some, place: random() }))
      .sort((a, b) => a.place - b.place)
      .slice(0, SCARCE_CODES)
      .map(({ code, some }) => [code, Math.ceil(some.reduce((sum, line) => sum + line.quantity, 0) / 2)]),
  );
}

function newKey(): string {
  return `qs_test_${createHmac('sha256', randomBytes(32)).update('crash run').digest('base64url')}`;
}

export interface Hands {
  close(): Promise<void>;
}

/** Staff and driver at work; an API or a database that is away makes them wait, never stop. */
export async function startHands(
  { running, database }: CrashEngine,
  merchant: CrashMerchant,
  log: (line: string) => void,
): Promise<Hands> {
  const driver = await startCarrierDriver({
    carrierUrl: running.simulators['carrier'] ?? '',
    parcelsAtTheDoor: () => database.withSystem((tx) => readParcelsAtTheDoor(tx, PARCELS_AT_ONCE)),
    log,
  });
  const atWork = new AbortController();
  // Everybody on the floor listens to it, each with a request and a pause.
  setMaxListeners(0, atWork.signal);
  const floor = runFloorSimulator({
    apiUrl: running.apiUrl,
    apiKey: merchant.floorKey,
    persons: merchant.personIds,
    warehouses: [merchant.warehouseId],
    paceMs: 0,
    signal: atWork.signal,
    log,
  });
  return {
    async close() {
      atWork.abort();
      await Promise.all([floor.finished, driver.close()]);
    },
  };
}
