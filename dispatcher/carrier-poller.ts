/**
 * Asks carriers for what their webhooks may have kept back: where parcels are, and how voids of labels
 * end. Both are asked per parcel or label under a lease, account by account, so that a carrier that is
 * away holds up its own work alone. What a void's answer means is in follow-void.
 */
import { receiveTracking } from '../commands/receive-tracking';
import type { CarrierAccount, CarrierConnector } from '../connectors/carriers/port';
import type { Database } from '../db/client';
import { readCarrierAccount } from '../db/label-claim.repo';
import {
  claimParcels,
  claimVoids,
  type LabelToVoid,
  type ParcelToTrack,
  trackAgain,
} from '../db/poll-claim.repo';
import { type SealingKeys, unsealSecrets } from '../db/sealed';
import { Failure } from '../domain/failure-types';
import type { Logger } from '../telemetry';
import { rounds } from './dispatch-metrics';
import { followVoid } from './follow-void';
import { type Loop, startLoop } from './loop';

/** How late something that is due may be noticed. */
const ROUND_MS = 5_000;
/** Webhooks tell within seconds; this finds the lost ones, at a call a parcel and half hour. */
const TRACK_EVERY_MS = 30 * 60_000;
/** Longer than a batch of one account can take; also the pause after a failure. */
const LEASE_MS = 2 * 60_000;
const BATCH = 25;
const EXCHANGE_TIMEOUT_MS = 10_000;

export type CarrierConnectors = Readonly<Record<string, CarrierConnector>>;

export interface CarrierPollerOptions {
  readonly database: Database;
  readonly keys: SealingKeys;
  /** By `carrier_account.provider`. */
  readonly connectors: CarrierConnectors;
  readonly log: Logger;
  readonly intervalMs?: number;
  readonly trackEveryMs?: number;
}

export function startCarrierPoller(options: CarrierPollerOptions): Loop {
  const { database } = options;
  return startLoop({
    name: 'carrier-poll',
    intervalMs: options.intervalMs ?? ROUND_MS,
    log: options.log,
    round: async () => {
      const { parcels, labels } = await database.withSystem(async (tx) => ({
        parcels: await claimParcels(tx, BATCH, LEASE_MS),
        labels: await claimVoids(tx, BATCH, LEASE_MS),
      }));
      await Promise.all([
        ...byAccount(parcels, (account, items) => inTurn(options, account, items, trackParcel)),
        ...byAccount(labels, (account, items) => inTurn(options, account, items, voidLabel)),
      ]);
      return parcels.length === BATCH || labels.length === BATCH;
    },
  });
}

interface Carrier {
  readonly accountId: string;
  readonly account: CarrierAccount;
  readonly connector: CarrierConnector;
}

function byAccount<T extends { readonly carrierAccountId: string }>(
  items: readonly T[],
  work: (accountId: string, items: readonly T[]) => Promise<void>,
): Promise<void>[] {
  const accounts = [...new Set(items.map((item) => item.carrierAccountId))];
  return accounts.map((id) =>
    work(
      id,
      items.filter((item) => item.carrierAccountId === id),
    ),
  );
}

/** One after another; a carrier that is away or asks for less ends the turn, and the leases bring the rest back. */
async function inTurn<T extends { readonly id: string }>(
  options: CarrierPollerOptions,
  accountId: string,
  items: readonly T[],
  ask: (options: CarrierPollerOptions, carrier: Carrier, item: T) => Promise<void>,
): Promise<void> {
  const { log } = options;
  try {
    const carrier = await openAccount(options, accountId);
    for (const item of items) {
      try {
        await ask(options, carrier, item);
      } catch (error) {
        log.warn({ err: error, carrierAccountId: accountId, id: item.id }, 'a carrier could not be asked');
        rounds.inc({ loop: 'carrier-poll', finding: 'failed' });
        if (error instanceof Failure && error.retryable) return;
      }
    }
  } catch (error) {
    log.warn({ err: error, carrierAccountId: accountId }, 'a carrier account could not be used');
  }
}

async function openAccount(options: CarrierPollerOptions, accountId: string): Promise<Carrier> {
  const row = await options.database.withSystem((tx) => readCarrierAccount(tx, accountId));
  const connector = row === null ? undefined : options.connectors[row.provider];
  if (row === null || connector === undefined)
    throw new Failure('NotFound', 'there is no such carrier account');
  const account = {
    accountId,
    baseUrl: row.base_url,
    credentials: unsealSecrets(options.keys, row.credentials_sealed),
    timeoutMs: EXCHANGE_TIMEOUT_MS,
  };
  return { accountId, account, connector };
}

async function trackParcel(
  { database, trackEveryMs = TRACK_EVERY_MS }: CarrierPollerOptions,
  { accountId, account, connector }: Carrier,
  parcel: ParcelToTrack,
): Promise<void> {
  const facts = await connector.track(account, parcel.trackingNumber, parcel.carrier);
  const { added } = await receiveTracking(database, { carrierAccountId: accountId, source: 'poll', facts });
  if (added > 0) rounds.inc({ loop: 'carrier-poll', finding: 'tracking' }, added);
  await database.withSystem((tx) => trackAgain(tx, parcel, trackEveryMs));
}

const voidLabel = ({ database }: CarrierPollerOptions, carrier: Carrier, label: LabelToVoid) =>
  followVoid(database, carrier, label);
