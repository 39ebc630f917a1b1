/**
 * Asks the carrier about an address that the local check could not judge: once an address, whoever
 * ships there; the verdict is kept by a digest of the place. The address itself is never replaced.
 */
import { addressDigest } from '../../commands/intake/facts';
import { readAddressToCheck, recordAddressCheck } from '../../db/address-check.repo';
import { findCarrierAccount } from '../../db/label-claim.repo';
import { Failure } from '../../domain/failure-types';
import { asApplicationFailure } from '../failures';
import { type CarrierDeps, carrierAccount, carrierAddress } from './buy-label';

export interface CheckAddressRequest {
  readonly merchantId: string;
  readonly orderId: string;
}

export function checkAddressActivity(deps: CarrierDeps) {
  return (request: CheckAddressRequest): Promise<{ readonly deliverable: boolean }> =>
    asApplicationFailure(async () => {
      const { merchantId, orderId } = request;
      const { address, account } = await deps.database.withMerchants([merchantId], async (tx) => ({
        address: await readAddressToCheck(tx, merchantId, orderId),
        account: await findCarrierAccount(tx, merchantId),
      }));
      if (!address) throw new Failure('NotFound', 'there is no such order');
      const connector = account ? deps.carriers[account.provider] : undefined;
      if (!account || !connector)
        throw new Failure('NoServiceAvailable', 'no carrier account can check addresses');
      const verdict = await deps.guard.call(account.id, () =>
        connector.verifyAddress(carrierAccount(account, deps.unseal), carrierAddress(address)),
      );
      await deps.database.withMerchants([merchantId], (tx) =>
        recordAddressCheck(tx, {
          merchantId,
          sha256: addressDigest({ ...address, postal_code: address.postalCode }),
          deliverable: verdict.deliverable,
          externalId: verdict.externalId,
          problems: verdict.problems,
        }),
      );
      return { deliverable: verdict.deliverable };
    });
}
