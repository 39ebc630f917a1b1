/**
 * Orders that began on earlier builds: a pinned order hangs for ever without a worker of its build. Every
 * bundle that is still in the data directory is asked about, at the start and then every minute, and gets
 * a worker when orders run on it. Once is not enough: the server's index, which counts the orders, is a
 * moment behind, and while a new release rolls out, processes of the old one still begin orders. For the
 * same reason a bundle is removed only when nothing has run on it for a day.
 */
import { rmSync, statSync, utimesSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';
import type { Logger } from '../telemetry';
import { type Bundle, earlierBundles } from './build-bundle';
import { hasOpenOrders } from './deployment';

/** An order that was overlooked waits this long at most; the count costs the server some milliseconds. */
const LOOK_EVERY_MS = 60_000;
/** A bundle is 3 MB, and a roll-out takes minutes. */
const KEEP_UNUSED_MS = 24 * 3_600_000;

export interface EarlierBuildsOptions {
  readonly dataDir: string;
  readonly current: Bundle;
  readonly client: Client;
  readonly log: Logger;
  readonly createWorker: (of: Bundle) => Promise<Worker>;
}

export class EarlierBuilds {
  /** Settles when all of its workers have stopped; rejects when one failed. */
  readonly stopped: Promise<void>;
  private readonly workers = new Map<string, { readonly worker: Worker; readonly run: Promise<void> }>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();
  private closing: Promise<void> | undefined;
  private end: (error?: unknown) => void = () => undefined;

  constructor(private readonly options: EarlierBuildsOptions) {
    this.stopped = new Promise((resolve, reject) => {
      this.end = (error) => (error === undefined ? resolve() : reject(error as Error));
    });
    // Whoever started this listens later.
    this.stopped.catch(() => undefined);
  }

  /** Returns when the builds known to have orders have their workers. */
  async start(): Promise<void> {
    touch(this.options.current);
    await this.look();
    this.timer = setInterval(() => {
      this.looking = this.looking.then(() => this.look());
    }, LOOK_EVERY_MS);
  }

  close(): Promise<void> {
    this.closing ??= (async () => {
      clearInterval(this.timer);
      await this.looking;
      const all = [...this.workers.values()];
      for (const { worker } of all) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(all.map(({ run }) => run));
      this.end();
    })();
    return this.closing;
  }

  /** Never rejects: a build that could not be asked about is asked about again. */
  private async look(): Promise<void> {
    const { dataDir, current, client, log } = this.options;
    for (const bundle of earlierBundles(dataDir, current)) {
      try {
        if (this.closing !== undefined) return;
        if (this.workers.has(bundle.buildId)) touch(bundle);
        else if (await hasOpenOrders(client, bundle.buildId)) await this.serve(bundle);
        else if (Date.now() - statSync(bundle.codePath).mtimeMs > KEEP_UNUSED_MS)
          rmSync(bundle.codePath, { force: true });
      } catch (error) {
        log.warn({ err: error, buildId: bundle.buildId }, 'an earlier build could not be looked after');
      }
    }
  }

  private async serve(bundle: Bundle): Promise<void> {
    const { buildId } = bundle;
    touch(bundle);
    const worker = await this.options.createWorker(bundle);
    const run = worker.run();
    this.workers.set(buildId, { worker, run });
    this.options.log.info({ buildId }, 'orders still run on an earlier build; serving it too');
    // One that fails takes the process with it, which is started again: the orders must not wait unseen.
    run.catch((error: unknown) => this.end(error));
  }
}

/** Remembers, in the file's own date, that the bundle is in use. */
function touch({ codePath }: Bundle): void {
  const now = new Date();
  utimesSync(codePath, now, now);
}
