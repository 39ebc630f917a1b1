/**
 * One push: reads what these listings should show, tells the channel what differs in one call, and
 * writes what it took. What the channel has is named as the quantity to be replaced, so that a sale in
 * the channel is never overwritten: a stale one is read back and decided anew. An item that the channel
 * refuses for good is parked with its reason and the others of the call go again. Nothing here retries;
 * what is to come again is returned.
 */
import { randomUUID } from 'node:crypto';
import type {
  ChannelAccount,
  ChannelConnector,
  QuantityProblem,
  QuantityUpdate,
} from '../../connectors/channels/port';
import {
  endSettling,
  type ListingToPush,
  readListings,
  recordFound,
  recordPushed,
} from '../../db/channel-listing.repo';
import type { Database } from '../../db/client';
import { Failure } from '../../domain/failure-types';
import {
  channelQuantity,
  decidePush,
  looksSold,
  ORDER_ARRIVES_MS,
} from '../../domain/stock/channel-quantity';
import type { WaitingListing } from '../../domain/stock/push-order';
import { parkWithException } from './sync-exceptions';

export interface PushTarget {
  readonly database: Database;
  readonly merchantId: string;
  readonly connectionId: string;
  readonly connector: ChannelConnector;
  readonly account: ChannelAccount;
}

export interface PushOutcome {
  /** Calls made to the channel. */
  readonly calls: number;
  readonly acknowledged: readonly WaitingListing[];
  /** To be looked at again at once. */
  readonly again: readonly WaitingListing[];
  /** To be looked at when their time has come. */
  readonly later: readonly { readonly listingId: string; readonly inMs: number }[];
  /** Why the call failed as a whole; null when the channel answered. */
  readonly failure: Failure | null;
  /** The channel refused without saying which item it meant: the next calls are to be smaller. */
  readonly unnamed: boolean;
}

interface Update {
  readonly waiting: WaitingListing;
  readonly listing: ListingToPush;
  readonly quantity: number;
  readonly changeFrom: number | null;
}

/**
 * @param doubts quantities, by listing, that were sent without a clear answer: a channel that has them took
 * them from us. Kept by the caller over pushes; changed here.
 * @throws what our own database throws; then nothing is known to be written and all of them come again.
 */
export async function pushQuantities(
  target: PushTarget,
  batch: readonly WaitingListing[],
  doubts: Map<string, number>,
): Promise<PushOutcome> {
  const { database, merchantId } = target;
  const ids = batch.map(({ listingId }) => listingId);
  const listings = await database.withMerchants([merchantId], (tx) => readListings(tx, merchantId, ids));
  const waitingOf = new Map(batch.map((waiting) => [waiting.listingId, waiting]));
  const later: { listingId: string; inMs: number }[] = [];
  const updates: Update[] = [];
  const told: WaitingListing[] = [];
  const explained: string[] = [];
  for (const listing of listings) {
    const waiting = waitingOf.get(listing.id) as WaitingListing;
    const { believed, settlesInMs } = listing;
    const wanted = channelQuantity(listing.components, listing.rule);
    const decision = decidePush({ believed, wanted, settling: settlesInMs > 0 });
    if (decision.kind === 'later') later.push({ listingId: listing.id, inMs: settlesInMs });
    else if (decision.kind === 'push') updates.push({ waiting, listing, ...decision });
    else {
      told.push(waiting);
      // The order that the channel's count foretold has come.
      if (settlesInMs > 0) explained.push(listing.id);
    }
  }
  if (explained.length > 0)
    await database.withMerchants([merchantId], (tx) => endSettling(tx, merchantId, explained));
  const nothing = { acknowledged: told, again: [], later, failure: null, unnamed: false, calls: 0 };
  if (updates.length === 0) return nothing;
  const failure = await send(target, updates);
  if (failure === null) {
    await acknowledge(target, updates, doubts);
    return { ...nothing, calls: 1, acknowledged: [...told, ...updates.map(({ waiting }) => waiting)] };
  }
  return { ...nothing, ...(await refused(target, updates, failure, doubts)) };
}

/** @returns null when the channel took them. */
async function send({ connector, account }: PushTarget, updates: readonly Update[]): Promise<Failure | null> {
  const quantities: QuantityUpdate[] = updates.map(({ listing, quantity, changeFrom }) => ({
    externalInventoryItemId: listing.externalItemId,
    externalLocationId: listing.externalLocationId,
    quantity,
    changeFromQuantity: changeFrom,
  }));
  try {
    await connector.setQuantities(account, quantities, `stock:${randomUUID()}`);
    return null;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

async function acknowledge(
  { database, merchantId }: PushTarget,
  updates: readonly Update[],
  doubts: Map<string, number>,
): Promise<void> {
  // Should it not be written, the channel has them none the less.
  for (const { listing, quantity } of updates) doubts.set(listing.id, quantity);
  const pushed = updates.map(({ listing, quantity, waiting }) => ({
    id: listing.id,
    quantity,
    changedAt: waiting.changes > 0 ? waiting.since : null,
  }));
  await database.withMerchants([merchantId], (tx) => recordPushed(tx, merchantId, pushed));
  for (const { listing } of updates) doubts.delete(listing.id);
}

type Refused = Pick<PushOutcome, 'calls' | 'again' | 'failure' | 'unnamed'>;

async function refused(
  target: PushTarget,
  updates: readonly Update[],
  failure: Failure,
  doubts: Map<string, number>,
): Promise<Refused> {
  const all = updates.map(({ waiting }) => waiting);
  switch (failure.type) {
    case 'StaleQuantity':
    case 'ListingGone':
    case 'PartnerRejected':
      return refusedItems(target, updates, failure, doubts);
    case 'PartnerOutcomeUnknown':
    case 'PartnerMalformed':
      for (const { listing, quantity } of updates) doubts.set(listing.id, quantity);
      return { calls: 1, again: all, failure, unnamed: false };
    default:
      return { calls: 1, again: all, failure, unnamed: false };
  }
}

async function refusedItems(
  target: PushTarget,
  updates: readonly Update[],
  failure: Failure,
  doubts: Map<string, number>,
): Promise<Refused> {
  const problems = problemsOf(failure, updates);
  if (problems.size === 0)
    return { calls: 1, again: updates.map(({ waiting }) => waiting), failure: null, unnamed: true };
  const stale: Update[] = [];
  const dead: { id: string; reason: string }[] = [];
  for (const update of updates) {
    const problem = problems.get(itemKey(update.listing));
    if (problem?.problem === 'stale') stale.push(update);
    else if (problem !== undefined)
      dead.push({ id: update.listing.id, reason: `${problem.problem}: ${problem.message}` });
  }
  await parkWithException(target, dead);
  const read = stale.length === 0 ? null : await readBack(target, stale, doubts);
  const parked = new Set(dead.map(({ id }) => id));
  const again = updates.filter(({ listing }) => !parked.has(listing.id)).map(({ waiting }) => waiting);
  return { calls: stale.length === 0 ? 1 : 2, again, failure: read, unnamed: false };
}

const itemKey = (item: { readonly externalItemId: string; readonly externalLocationId: string }) =>
  `${item.externalItemId}\n${item.externalLocationId}`;

/** What was wrong with which item; a refusal of one item alone needs no name. */
function problemsOf(failure: Failure, updates: readonly Update[]): Map<string, QuantityProblem> {
  const items = (failure.details['items'] ?? []) as readonly QuantityProblem[];
  const [only, ...others] = updates;
  if (items.length === 0 && only !== undefined && others.length === 0) {
    const kinds = { StaleQuantity: 'stale', ListingGone: 'gone' } as const;
    const problem = kinds[failure.type as keyof typeof kinds] ?? 'rejected';
    const { externalItemId, externalLocationId } = only.listing;
    const item = { externalInventoryItemId: externalItemId, externalLocationId, problem };
    return new Map([[itemKey(only.listing), { ...item, message: failure.message }]]);
  }
  return new Map(
    items.map((item) => [
      itemKey({
        externalItemId: item.externalInventoryItemId,
        externalLocationId: item.externalLocationId,
      }),
      item,
    ]),
  );
}

/** Reads what the channel has instead of what we believed. @returns why it can't be read, null when it was. */
async function readBack(
  target: PushTarget,
  stale: readonly Update[],
  doubts: Map<string, number>,
): Promise<Failure | null> {
  const { connector, account, database, merchantId } = target;
  const items = stale.map(({ listing }) => ({
    externalInventoryItemId: listing.externalItemId,
    externalLocationId: listing.externalLocationId,
  }));
  let answers: Awaited<ReturnType<ChannelConnector['readQuantities']>>;
  try {
    answers = await connector.readQuantities(account, items);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  const quantities = new Map(
    answers.map((answer) => [
      itemKey({
        externalItemId: answer.externalInventoryItemId,
        externalLocationId: answer.externalLocationId,
      }),
      answer.quantity,
    ]),
  );
  const found = stale.flatMap(({ listing }) => {
    const quantity = quantities.get(itemKey(listing)) ?? null;
    if (quantity === null) return [];
    const sold = looksSold(quantity, listing.believed) && doubts.get(listing.id) !== quantity;
    doubts.delete(listing.id);
    return [{ id: listing.id, quantity, settleMs: sold ? ORDER_ARRIVES_MS : null }];
  });
  await database.withMerchants([merchantId], (tx) => recordFound(tx, merchantId, found));
  const known = new Set(found.map(({ id }) => id));
  await parkWithException(
    target,
    stale
      .filter(({ listing }) => !known.has(listing.id))
      .map(({ listing }) => ({ id: listing.id, reason: 'gone: the channel knows no quantity of it' })),
  );
  return null;
}
