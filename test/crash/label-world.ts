/**
 * A merchant with packed parcels that want their labels, and the activity that buys them, against the
 * simulated carrier. The carrier may be wrapped, so that a test decides what happens around each call.
 */
import { randomBytes } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { uuidv7 } from 'uuidv7';
import { type BuyLabelAnswer, buyLabelActivity } from '../../activities/carriers/buy-label';
import { CarrierGuard } from '../../activities/carriers/carrier-guard';
import { easyPostConnector } from '../../connectors/carriers/easypost';
import type { CarrierConnector } from '../../connectors/carriers/port';
import { Database } from '../../db/client';
import { type SealingKeys, sealSecrets, unsealSecrets } from '../../db/sealed';
import { DEMO_API_KEY, type EasyPostSimulator, startEasyPostSimulator } from '../../simulators/easypost';
import { packNext, pickNext, plannedOrder } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type TestDatabase, testDatabase } from '../support/postgres';

export interface LabelWorld {
  readonly urls: TestDatabase;
  readonly database: Database;
  readonly keys: SealingKeys;
  readonly merchant: SeededMerchant;
  readonly easypost: EasyPostSimulator;
  readonly carrierAccountId: string;
  /** A parcel of an order of one unit, packed and without a label. */
  packedParcel(): Promise<ParcelToBuy>;
  buy(parcel: ParcelToBuy, carrier?: CarrierConnector): Promise<BuyLabelAnswer>;
  /** What the carrier knows to have happened for the parcel. */
  known(
    kind: 'shipment_created' | 'label_bought' | 'refund_requested',
    parcel: ParcelToBuy,
  ): Readonly<Record<string, unknown>>[];
  rows<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export async function startLabelWorld(): Promise<LabelWorld> {
  const keys = [{ id: 'test', key: randomBytes(32) }];
  const urls = await testDatabase();
  const database = new Database({ appUrl: urls.appUrl, systemUrl: urls.systemUrl });
  const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 100 }] });
  const easypost = await startEasyPostSimulator({
    settings: {
      transit: { startsAt: 'handover', firstScanMs: 0, stepMs: 0 },
      refunds: { settleMs: 0 },
    },
  });
  const { merchantId, organisationId } = merchant;
  const carrierAccountId = uuidv7();
  const rows = <Row extends object>(text: string, values: unknown[] = []) =>
    database.withMerchants([merchantId], (tx) => tx.rows<Row>({ text, values }));
  await rows(
    `insert into carrier_account (id, organisation_id, provider, name, base_url, credentials_sealed, webhook_path_sha256)
     values ($1, $2, 'easypost', 'Demo carrier', $3, $4, $5)`,
    [
      carrierAccountId,
      organisationId,
      easypost.url,
      sealSecrets(keys, { apiKey: DEMO_API_KEY }),
      randomBytes(32),
    ],
  );
  return {
    urls,
    database,
    keys,
    merchant,
    easypost,
    carrierAccountId,
    rows,
    async packedParcel() {
      await plannedOrder(database, merchant, [{ sku: 'A', quantity: 1 }]);
      await pickNext(database, merchant);
      return { merchantId, parcelId: await packNext(database, merchant) };
    },
    buy: (parcel, carrier) => buyLabelOnce(database, keys, parcel, carrier),
    known: (kind, { parcelId }) =>
      easypost.journal
        .facts(kind)
        .filter(({ fact }) => String(fact['reference']).startsWith(`${parcelId}:label:`))
        .map(({ fact }) => fact),
    async close() {
      await easypost.close();
      await database.close();
      await urls.drop();
    },
  };
}

export interface ParcelToBuy {
  readonly merchantId: string;
  readonly parcelId: string;
}

/** Runs the activity as a worker would, in a fresh process's state: no breaker remembers earlier calls. */
export function buyLabelOnce(
  database: Database,
  keys: SealingKeys,
  parcel: ParcelToBuy,
  carrier: CarrierConnector = easyPostConnector,
): Promise<BuyLabelAnswer> {
  const buy = buyLabelActivity({
    database,
    carriers: { easypost: carrier },
    guard: new CarrierGuard(),
    unseal: (sealed) => unsealSecrets(keys, sealed),
  });
  const environment = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });
  return environment.run(buy, parcel) as Promise<BuyLabelAnswer>;
}

/** The carrier with something done before or after one of its calls. */
export function around(
  call: 'createShipment' | 'buyLabel' | 'voidLabel',
  moment: 'before' | 'after',
  what: () => unknown,
): CarrierConnector {
  const inner = easyPostConnector[call] as (...args: unknown[]) => Promise<unknown>;
  return {
    ...easyPostConnector,
    [call]: async (...args: unknown[]) => {
      if (moment === 'before') await what();
      const answer = await inner(...args);
      if (moment === 'after') await what();
      return answer;
    },
  };
}

/** The carrier for somebody who waits 300 ms for a purchase. */
export const IMPATIENT: CarrierConnector = {
  ...easyPostConnector,
  buyLabel: (account, ...rest) => easyPostConnector.buyLabel({ ...account, timeoutMs: 300 }, ...rest),
};
