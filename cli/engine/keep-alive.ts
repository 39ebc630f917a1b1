/**
 * Keeps a part of the engine (a server, a role) running: when it ends unasked, it is started again, first
 * at once, then after growing pauses, for ever; a part that stayed up a minute begins with short pauses
 * again. The first start is different: when it fails, its error is the caller's, for then something is
 * wrong that waiting won't cure.
 */

import { pause } from '../../provision/processes';
import { describeExit, type Running } from '../../provision/running';

/** From one restart at once to one every 15 s: fast after a crash, calm when something stays broken. */
const PAUSES_MS = [0, 500, 1_000, 2_000, 5_000, 15_000];
/** A part that lived this long was well; its next crash is a new story. */
const WELL_AFTER_MS = 60_000;

export interface KeptAlive<Part extends Running> {
  /** The one that runs now; after a crash the last one until the next is up. */
  current(): Part;
  stop(): Promise<void>;
}

/** @throws what the first start throws. */
export async function keepAlive<Part extends Running>(
  name: string,
  start: () => Promise<Part>,
  log: (line: string) => void,
): Promise<KeptAlive<Part>> {
  let current = await start();
  const stopping = new AbortController();
  const tending = tend();

  async function tend(): Promise<void> {
    let failures = 0;
    let upSince = Date.now();
    for (;;) {
      const exit = await current.exited;
      if (stopping.signal.aborted) return;
      if (Date.now() - upSince > WELL_AFTER_MS) failures = 0;
      log(`${name} ended (${describeExit(exit)}); starting it again`);
      for (;;) {
        await pause(PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)] ?? 0, stopping.signal);
        if (stopping.signal.aborted) return;
        failures += 1;
        try {
          current = await start();
          upSince = Date.now();
          break;
        } catch (error) {
          log(`${name} does not start: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
      // Asked to stop while it was coming up.
      if (stopping.signal.aborted) await current.stop();
      else log(`${name} is back`);
    }
  }

  return {
    current: () => current,
    async stop() {
      stopping.abort();
      await current.stop();
      await tending;
    },
  };
}
