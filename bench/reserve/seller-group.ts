/** Processes of sellers that sell at the same time, and what they sold together. */
import { once } from 'node:events';
import { type BenchChild, startChild } from '../child';
import type { SellerTask, SellRound, Sold } from './seller-process';
import type { Way } from './sellers';
import type { StockServer } from './stock-server';

export interface GroupOptions {
  readonly way: Way;
  readonly processes: number;
  /** Of all processes together. */
  readonly callers: number;
  readonly productIds: readonly string[];
  readonly seed: number;
}

export interface Total {
  sold: number;
  refused: number;
  seconds: number;
  /** Of the sellers and of Postgres. */
  cpuSeconds: number;
}

export class SellerGroup {
  readonly total: Total = { sold: 0, refused: 0, seconds: 0, cpuSeconds: 0 };

  private constructor(
    private readonly server: StockServer,
    private readonly children: readonly BenchChild[],
  ) {}

  static async start(server: StockServer, options: GroupOptions): Promise<SellerGroup> {
    const { way, processes, callers, productIds, seed } = options;
    const { appUrl, systemUrl, merchantId, warehouseId } = server;
    const children: BenchChild[] = [];
    for (let n = 0; n < processes; n += 1) {
      const task: SellerTask = {
        way,
        shop: { appUrl, systemUrl, merchantId, warehouseId },
        callers: callers / processes,
        productIds,
        seed: seed * 100 + n,
      };
      const child = startChild('reserve/seller-process.ts', way, {});
      children.push(child);
      child.process.send(task);
      await once(child.process, 'message');
    }
    return new SellerGroup(server, children);
  }

  /** A second per second of all together. */
  get rate(): number {
    return this.total.sold / this.total.seconds;
  }

  async sell(round: SellRound): Promise<void> {
    const cpu = () => this.server.cpuSeconds() + this.children.reduce((sum, child) => sum + cpuOf(child), 0);
    const before = cpu();
    const sold = await Promise.all(
      this.children.map(async ({ process }) => {
        const answer = once(process, 'message') as Promise<[Sold]>;
        process.send(round);
        return (await answer)[0];
      }),
    );
    this.total.sold += sold.reduce((sum, each) => sum + each.sold, 0);
    this.total.refused += sold.reduce((sum, each) => sum + each.refused, 0);
    this.total.seconds += Math.max(...sold.map(({ seconds }) => seconds));
    this.total.cpuSeconds += cpu() - before;
  }

  async stop(): Promise<void> {
    for (const { process } of this.children) process.send('stop');
    for (const child of this.children) {
      if (child.process.exitCode === null) await once(child.process, 'exit');
      await child.stop();
    }
  }
}

function cpuOf(child: BenchChild): number {
  return [...child.cpu().values()].reduce((sum, seconds) => sum + seconds, 0);
}
