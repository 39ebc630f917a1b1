/**
 * A packed parcel that wants its label, and the activity that buys it, against the simulated carrier. The
 * carrier may be wrapped, so that a test decides what happens before and after each call.
 */
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { type BuyLabelAnswer, buyLabelActivity } from '../../activities/carriers/buy-label';
import { CarrierGuard } from '../../activities/carriers/carrier-guard';
import { easyPostConnector } from '../../connectors/carriers/easypost';
import type { CarrierConnector } from '../../connectors/carriers/port';
import type { Database } from '../../db/client';
import { type SealingKeys, unsealSecrets } from '../../db/sealed';

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
  call: 'createShipment' | 'buyLabel' | 'getShipment',
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
