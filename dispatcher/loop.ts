/**
 * A loop that does its round, waits, and does it again until it is closed. A round that throws is
 * logged and comes again at its time: what a round does is found anew in Postgres each time, so a lost
 * round loses nothing. Closing lets the running round end.
 */
import type { Logger } from '../telemetry';

export interface Loop {
  /** Starts the next round at once, or right after the running one. */
  wake(): void;
  close(): Promise<void>;
}

export interface LoopOptions {
  readonly name: string;
  readonly intervalMs: number;
  /** Returns true when there is more to do at once. */
  readonly round: () => Promise<boolean>;
  readonly log: Logger;
}

export function startLoop({ name, intervalMs, round, log }: LoopOptions): Loop {
  let closed = false;
  let woken = false;
  let wakeUp: (() => void) | undefined;

  const wait = () =>
    new Promise<void>((resolve) => {
      if (woken || closed) return resolve();
      const timer = setTimeout(resolve, intervalMs);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const run = async (): Promise<void> => {
    while (!closed) {
      woken = false;
      let more = false;
      try {
        more = await round();
      } catch (error) {
        log.warn({ loop: name, err: error }, 'a round failed and will be repeated');
      }
      if (!more) await wait();
      wakeUp = undefined;
    }
  };

  const ended = run();
  return {
    wake() {
      woken = true;
      wakeUp?.();
    },
    async close() {
      closed = true;
      wakeUp?.();
      await ended;
    },
  };
}
