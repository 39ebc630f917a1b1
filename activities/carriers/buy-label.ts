/**
 * Buys a parcel's label, at most once whatever times out, dies or runs twice. The claim is a row before
 * the first call; the carrier's shipment id is a row before the purchase; what is bought is looked up by
 * that id after every doubt, and only then bought again under the same id, which the carrier refuses or
 * answers with the same label. A look-up that fails, for whatever reason, says nothing about the purchase:
 * the doubt stays, for giving the claim up would buy a second label. An address or a cancel that changed
 * meanwhile gives the label back and starts over with the present one.
 */
import { heartbeat } from '@temporalio/activity';
import {
  claimLabel,
  type LabelClaim,
  type LabelOf,
  recordCarrierShipment,
  recordLabelDoubt,
  recordLabelPurchase,
} from '../../commands/label';
import type {
  CarrierAccount,
  CarrierAddress,
  CarrierConnector,
  CarrierShipment,
  PurchasedLabel,
} from '../../connectors/carriers/port';
import type { Database } from '../../db/client';
import type { CarrierAccountRow, CarrierAddressRow } from '../../db/label-claim.repo';
import { Failure, isFailure } from '../../domain/failure-types';
import { chooseRate } from '../../domain/routing/choose-rate';
import { asApplicationFailure } from '../failures';
import type { CarrierGuard } from './carrier-guard';

export interface CarrierDeps {
  readonly database: Database;
  readonly carriers: Readonly<Record<string, CarrierConnector>>;
  readonly guard: CarrierGuard;
  /** Opens an account's sealed credentials. */
  readonly unseal: (sealed: Buffer) => Readonly<Record<string, string>>;
}

export type BuyLabelAnswer =
  | { readonly outcome: 'labelled'; readonly labelId: string; readonly trackingNumber: string }
  | { readonly outcome: 'cancelled' };

/** One exchange with a carrier; EasyPost's own client waits 60 s, but a packer stands at the bench. */
const CALL_TIMEOUT_MS = 10_000;
/** Claims that may follow each other in one run: the address changed while the carrier worked. */
const MOST_CLAIMS = 3;

type Claimed = Extract<LabelClaim, { kind: 'claimed' }>;

export function carrierAccount(row: CarrierAccountRow, unseal: CarrierDeps['unseal']): CarrierAccount {
  return {
    accountId: row.id,
    baseUrl: row.base_url,
    credentials: unseal(row.credentials_sealed),
    timeoutMs: CALL_TIMEOUT_MS,
  };
}

export function carrierAddress(row: CarrierAddressRow): CarrierAddress {
  return { ...row, line1: row.line1 ?? '', city: row.city ?? '', country: row.country ?? '' };
}

/** @throws ApplicationFailure of a type of `failure-types`; PartnerOutcomeUnknown means that a look-up found nothing yet. */
export function buyLabelActivity(deps: CarrierDeps) {
  return (of: LabelOf): Promise<BuyLabelAnswer> => asApplicationFailure(() => buyLabel(deps, of));
}

async function buyLabel(deps: CarrierDeps, of: LabelOf): Promise<BuyLabelAnswer> {
  for (let claims = 0; claims < MOST_CLAIMS; claims += 1) {
    const claim = await claimLabel(deps.database, of);
    if (claim.kind === 'cancelled') return { outcome: 'cancelled' };
    if (claim.kind === 'no_account') {
      throw new Failure(
        'NoServiceAvailable',
        'neither the merchant nor its organisation has a carrier account',
      );
    }
    if (claim.kind === 'bought') {
      return {
        outcome: 'labelled',
        labelId: claim.label.id,
        trackingNumber: claim.label.tracking_number ?? '',
      };
    }
    const bought = await purchase(deps, of, claim);
    const recorded = await recordLabelPurchase(deps.database, of, claim.label.id, bought);
    if (recorded.outcome === 'labelled') {
      return { outcome: 'labelled', labelId: claim.label.id, trackingNumber: bought.trackingNumber };
    }
  }
  throw new Failure('PartnerUnavailable', 'the order kept changing while its label was bought');
}

async function purchase(deps: CarrierDeps, of: LabelOf, claim: Claimed): Promise<PurchasedLabel> {
  try {
    const shipment = await findOrCreateShipment(deps, of, claim);
    if (shipment.label) return shipment.label;
    return await buy(deps, claim, shipment);
  } catch (error) {
    if (isFailure(error)) await noteDoubt(deps, of, claim, error);
    throw error;
  }
}

function call<T>(
  deps: CarrierDeps,
  claim: Claimed,
  body: (connector: CarrierConnector, account: CarrierAccount) => Promise<T>,
) {
  const connector = deps.carriers[claim.account.provider];
  if (!connector) throw new Failure('NoServiceAvailable', `no connector for ${claim.account.provider}`);
  heartbeat();
  return deps.guard.call(claim.account.id, () => body(connector, carrierAccount(claim.account, deps.unseal)));
}

async function findOrCreateShipment(
  deps: CarrierDeps,
  of: LabelOf,
  claim: Claimed,
): Promise<CarrierShipment> {
  const { label, parcel } = claim;
  const known = label.external_shipment_id;
  if (known !== null) return lookUp(deps, claim, known);
  const found = claim.resumed
    ? await call(deps, claim, (connector, account) =>
        connector.findShipmentByReference(account, label.step_key),
      )
    : null;
  const shipment =
    found ??
    (await call(deps, claim, (connector, account) =>
      connector.createShipment(account, {
        reference: label.step_key,
        from: carrierAddress(parcel.ship_from),
        to: carrierAddress(parcel.ship_to),
        parcel: {
          weightGrams: parcel.weight_grams,
          lengthMm: parcel.length_mm,
          widthMm: parcel.width_mm,
          heightMm: parcel.height_mm,
        },
      }),
    ));
  const recorded = await recordCarrierShipment(deps.database, of, label.id, shipment.externalShipmentId);
  // Another attempt was quicker: only the shipment that is written down is ever bought.
  return recorded === shipment.externalShipmentId ? shipment : lookUp(deps, claim, recorded);
}

/** What the carrier has under the id that may have been bought. @throws Failure PartnerOutcomeUnknown when it does not say. */
async function lookUp(deps: CarrierDeps, claim: Claimed, id: string): Promise<CarrierShipment> {
  try {
    return await call(deps, claim, (connector, account) => connector.getShipment(account, id));
  } catch (error) {
    if (!isFailure(error) || error.type === 'PartnerOutcomeUnknown') throw error;
    throw new Failure('PartnerOutcomeUnknown', `the look-up failed: ${error.message}`, error.details, {
      cause: error,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    });
  }
}

async function buy(deps: CarrierDeps, claim: Claimed, shipment: CarrierShipment): Promise<PurchasedLabel> {
  const rate = chooseRate(shipment.rates, {
    services: claim.parcel.services,
    maxDays: claim.parcel.max_days,
  });
  if (!rate)
    throw new Failure('NoServiceAvailable', 'no offered service keeps the promise of the shipping method');
  const id = shipment.externalShipmentId;
  try {
    return await call(deps, claim, (connector, account) =>
      connector.buyLabel(account, id, rate.externalRateId),
    );
  } catch (error) {
    if (!isFailure(error, 'PartnerOutcomeUnknown')) throw error;
    const looked = await lookUp(deps, claim, id);
    if (looked.label) return looked.label;
    throw error;
  }
}

/** A refusal for good ends the claim, so that the next one can be made; doubt keeps it. */
async function noteDoubt(deps: CarrierDeps, of: LabelOf, claim: Claimed, error: Failure): Promise<void> {
  const unknown = error.type === 'PartnerOutcomeUnknown';
  if (!unknown && error.retryable) return;
  await recordLabelDoubt(deps.database, of, claim.label.id, unknown ? 'unknown' : 'failed', error.message);
}
