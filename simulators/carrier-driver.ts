/**
 * The driver who loads parcels: for replays, benchmarks and crash runs, where nobody wants to wait for a
 * timetable. While he drives, the simulated carrier scans a parcel at the hand-over and at once to the
 * door; afterwards its settings are what they were. Which parcels stand at the door he is told by his
 * caller; one that is named twice is handed over once.
 */
export interface CarrierDriverOptions {
  /** Origin of the simulated carrier. */
  readonly carrierUrl: string;
  /** Tracking codes of the parcels that left the warehouse and that no carrier has scanned. */
  readonly parcelsAtTheDoor: () => Promise<readonly string[]>;
  readonly log: (line: string) => void;
}

export interface CarrierDriver {
  /** Ends the round and puts the carrier's settings back. */
  close(): Promise<void>;
}

interface Transit {
  readonly startsAt: 'purchase' | 'handover';
  readonly firstScanMs: number;
  readonly stepMs: number;
}

/** Short beside what an order takes, and few enough queries. */
const ROUND_MS = 150;
const REQUEST_TIMEOUT_MS = 10_000;

/** @throws when the simulated carrier does not answer. */
export async function startCarrierDriver(options: CarrierDriverOptions): Promise<CarrierDriver> {
  const { carrierUrl } = options;
  const before = (await call(carrierUrl, 'GET', '/__settings')) as { readonly transit: Transit };
  const setTransit = (transit: Transit) => call(carrierUrl, 'PUT', '/__settings', { transit });
  await setTransit({ startsAt: 'handover', firstScanMs: 0, stepMs: 0 });
  let closing = false;
  const driving = drive(options, () => closing);
  return {
    async close() {
      closing = true;
      await driving;
      await setTransit(before.transit);
    },
  };
}

async function drive(
  { carrierUrl, parcelsAtTheDoor, log }: CarrierDriverOptions,
  isClosing: () => boolean,
): Promise<void> {
  let failing = false;
  while (!isClosing()) {
    try {
      const trackingCodes = await parcelsAtTheDoor();
      if (trackingCodes.length > 0) await call(carrierUrl, 'POST', '/__handover', { trackingCodes });
      failing = false;
    } catch (error) {
      if (!failing) log(`the driver waits: ${error instanceof Error ? error.message : String(error)}`);
      failing = true;
    }
    await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
  }
}

async function call(origin: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${origin}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  if (!answer.ok) throw new Error(`the simulated carrier answers ${answer.status} to ${method} ${path}`);
  return answer.json();
}
