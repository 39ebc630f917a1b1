/**
 * The database side of buying a label. Claim before call: the claim row is the intent, its step key the
 * reference at the carrier, and at most one live label a parcel is an index. Whatever happens to the call
 * is recorded here afterwards; a crash in between leaves a claim that the next attempt finds and resumes.
 * The purchase opens the ship task; when the order's address changed or it was cancelled while the carrier
 * worked, the label is given back instead.
 */
import { uuidv7 } from 'uuidv7';
import type { Database, Tx } from '../db/client';
import {
  insertClaim,
  type LabelRow,
  lockLiveLabel,
  type Purchase,
  recordLabelState,
  recordPurchase,
  recordShipment,
  requestVoid,
} from '../db/label.repo';
import {
  type CarrierAccountRow,
  findCarrierAccount,
  type ParcelToLabel,
  readCarrierAccount,
  readParcelToLabel,
} from '../db/label-claim.repo';
import { openShipTask } from '../db/ship-task.repo';
import { Failure } from '../domain/failure-types';
import { unblockOrderIn } from './block-order';

export interface LabelOf {
  readonly merchantId: string;
  readonly parcelId: string;
}

export type LabelClaim =
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'no_account' }
  | { readonly kind: 'bought'; readonly label: LabelRow }
  | {
      readonly kind: 'claimed';
      readonly label: LabelRow;
      /** True when an earlier attempt may have reached the carrier. */
      readonly resumed: boolean;
      readonly parcel: ParcelToLabel;
      readonly account: CarrierAccountRow;
    };

/** Claims the parcel's label or finds the claim that is there. @throws Failure NotFound. */
export function claimLabel(database: Database, of: LabelOf): Promise<LabelClaim> {
  return database.withMerchants([of.merchantId], async (tx): Promise<LabelClaim> => {
    const parcel = await readParcelToLabel(tx, of.merchantId, of.parcelId);
    if (!parcel) throw new Failure('NotFound', 'there is no such parcel');
    const live = await lockLiveLabel(tx, of.merchantId, of.parcelId);
    if (live && ['purchased', 'shipped'].includes(live.state)) return { kind: 'bought', label: live };
    if (!live && (parcel.order_state === 'cancelled' || parcel.parcel_state === 'cancelled'))
      return { kind: 'cancelled' };
    const account = live
      ? await readCarrierAccount(tx, live.carrier_account_id)
      : await findCarrierAccount(tx, of.merchantId);
    if (!account) return { kind: 'no_account' };
    const label =
      live ??
      (await insertClaim(tx, {
        id: uuidv7(),
        merchantId: of.merchantId,
        parcelId: of.parcelId,
        carrierAccountId: account.id,
        addressVersion: parcel.address_version,
      }));
    return { kind: 'claimed', label, resumed: live !== null, parcel, account };
  });
}

/** Writes down the carrier's id before anything is bought under it. @returns the id that is written: an earlier one stands. */
export function recordCarrierShipment(
  database: Database,
  of: LabelOf,
  labelId: string,
  externalId: string,
): Promise<string> {
  return database.withMerchants([of.merchantId], (tx) =>
    recordShipment(tx, of.merchantId, labelId, externalId),
  );
}

/** The carrier did not say what happened, or refused for good. */
export function recordLabelDoubt(
  database: Database,
  of: LabelOf,
  labelId: string,
  state: 'unknown' | 'failed',
  failure: string,
): Promise<void> {
  return database.withMerchants([of.merchantId], (tx) =>
    recordLabelState(tx, of.merchantId, labelId, state, failure),
  );
}

export type LabelOutcome = { readonly outcome: 'labelled' } | { readonly outcome: 'given_back' };

/** The label is bought: parcel labelled, ship task open, order unblocked; once, whoever comes again. */
export function recordLabelPurchase(
  database: Database,
  of: LabelOf,
  labelId: string,
  purchase: Purchase,
): Promise<LabelOutcome> {
  return database.withMerchants([of.merchantId], async (tx): Promise<LabelOutcome> => {
    const parcel = await readParcelToLabel(tx, of.merchantId, of.parcelId);
    const live = await lockLiveLabel(tx, of.merchantId, of.parcelId);
    if (!parcel || !live || live.id !== labelId) return { outcome: 'given_back' };
    const bought = await recordPurchase(
      tx,
      of.merchantId,
      labelId,
      of.parcelId,
      purchase,
      parcel.business_now,
    );
    if (!bought) return { outcome: 'labelled' };
    const stale =
      [parcel.order_state, parcel.parcel_state].includes('cancelled') ||
      live.address_version !== parcel.address_version;
    if (stale) return giveBack(tx, of, labelId);
    await openShipTask(tx, { id: uuidv7(), merchantId: of.merchantId, parcelId: of.parcelId, ...parcel });
    for (const reason of ['carrier_unavailable', 'label_outcome_unknown'] as const) {
      await unblockOrderIn(tx, { merchantId: of.merchantId, orderId: parcel.order_id, reason, by: 'label' });
    }
    return { outcome: 'labelled' };
  });
}

async function giveBack(tx: Tx, of: LabelOf, labelId: string): Promise<LabelOutcome> {
  await requestVoid(tx, of.merchantId, labelId);
  await tx.run({
    text: `update parcel set state = 'packed', carrier = null, service = null, tracking_number = null
      where merchant_id = $1 and id = $2 and state = 'labelled'`,
    values: [of.merchantId, of.parcelId],
  });
  return { outcome: 'given_back' };
}
