/**
 * The people around a replayed merchant, working without delay: floor staff who pick, pack and ship by
 * the floor API, and a driver who hands parcels to the carrier as soon as they are out of the door. For
 * as long as they work the simulated carrier scans at the hand-over; its settings are put back after.
 */

import type { ReplayMerchant } from '../../commands/replay/open-replay-merchant';
import type { Database } from '../../db/client';
import { readParcelsAtTheDoor } from '../../db/replay.repo';
import { pause } from '../../provision/processes';
import { runFloorSimulator } from '../../simulators/floor';
import { ask } from '../api-client';
import { CommandError } from '../command-error';

export interface HandsOptions {
  readonly database: Database;
  readonly merchant: ReplayMerchant;
  readonly apiUrl: string;
  readonly floorKey: string;
  /** Origin of the simulated carrier. */
  readonly carrierUrl: string;
  readonly log: (line: string) => void;
}

/** Short beside what an order takes, and ten cheap queries in a second at most. */
const ROUND_MS = 150;
/** What the simulator takes at once. */
const PARCELS_AT_ONCE = 5_000;

/** Runs `work` while everybody is at work. */
export async function withHands<T>(options: HandsOptions, work: () => Promise<T>): Promise<T> {
  const settings = await carrierSettings(options.carrierUrl);
  await changeCarrier(options.carrierUrl, { startsAt: 'handover', firstScanMs: 0, stepMs: 0 });
  const atWork = new AbortController();
  const floor = runFloorSimulator({
    apiUrl: options.apiUrl,
    apiKey: options.floorKey,
    persons: options.merchant.personIds,
    warehouses: [options.merchant.warehouseId],
    paceMs: 0,
    signal: atWork.signal,
    log: options.log,
  });
  const driver = drive(options, atWork.signal);
  try {
    return await work();
  } finally {
    atWork.abort();
    await Promise.all([floor.finished, driver]);
    await changeCarrier(options.carrierUrl, settings.transit);
  }
}

interface Transit {
  readonly startsAt: 'purchase' | 'handover';
  readonly firstScanMs: number;
  readonly stepMs: number;
}

async function carrierSettings(carrierUrl: string): Promise<{ readonly transit: Transit }> {
  const answer = await ask(`${carrierUrl}/__settings`);
  if (!answer.ok) throw new CommandError(`the simulated carrier answers ${answer.status}`);
  return (await answer.json()) as { readonly transit: Transit };
}

async function changeCarrier(carrierUrl: string, transit: Transit): Promise<void> {
  const answer = await ask(`${carrierUrl}/__settings`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ transit }),
  });
  if (!answer.ok) throw new CommandError(`the simulated carrier refuses its settings: ${answer.status}`);
}

/** A parcel handed over twice is scanned once, so nobody remembers which ones were. */
async function drive({ database, carrierUrl, log }: HandsOptions, signal: AbortSignal): Promise<void> {
  let failing = false;
  while (!signal.aborted) {
    try {
      const trackingCodes = await database.withSystem((tx) => readParcelsAtTheDoor(tx, PARCELS_AT_ONCE));
      if (trackingCodes.length > 0) {
        await ask(`${carrierUrl}/__handover`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ trackingCodes }),
        });
      }
      failing = false;
    } catch (error) {
      if (!failing) log(`the driver waits: ${error instanceof Error ? error.message : String(error)}`);
      failing = true;
    }
    await pause(ROUND_MS, signal);
  }
}
