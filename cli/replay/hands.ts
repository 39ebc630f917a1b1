/**
 * The people around a replayed merchant, working without delay: floor staff who pick, pack and ship by
 * the floor API, and a driver who hands parcels to the simulated carrier as they leave.
 */
import type { ReplayMerchant } from '../../commands/replay/open-replay-merchant';
import type { Database } from '../../db/client';
import { readParcelsAtTheDoor } from '../../db/replay.repo';
import { startCarrierDriver } from '../../simulators/carrier-driver';
import { runFloorSimulator } from '../../simulators/floor';

export interface HandsOptions {
  readonly database: Database;
  readonly merchant: ReplayMerchant;
  readonly apiUrl: string;
  readonly floorKey: string;
  /** Origin of the simulated carrier. */
  readonly carrierUrl: string;
  readonly log: (line: string) => void;
}

/** What the simulator takes at once. */
const PARCELS_AT_ONCE = 5_000;

/** Runs `work` while everybody is at work. */
export async function withHands<T>(options: HandsOptions, work: () => Promise<T>): Promise<T> {
  const { database, merchant, apiUrl, floorKey, carrierUrl, log } = options;
  const driver = await startCarrierDriver({
    carrierUrl,
    // Of every merchant: the carrier waits for the hand-over with all of them.
    parcelsAtTheDoor: () => database.withSystem((tx) => readParcelsAtTheDoor(tx, PARCELS_AT_ONCE)),
    log,
  });
  const atWork = new AbortController();
  const floor = runFloorSimulator({
    apiUrl,
    apiKey: floorKey,
    persons: merchant.personIds,
    warehouses: [merchant.warehouseId],
    paceMs: 0,
    signal: atWork.signal,
    log,
  });
  try {
    return await work();
  } finally {
    atWork.abort();
    await Promise.all([floor.finished, driver.close()]);
  }
}
