/** One process of sellers: is told what to sell and how, sells for a while when asked, and reports. */
import { seededRandom } from '../../simulators/fault-knobs';
import { openSellers, type Sellers, type Shop, type Way } from './sellers';

export interface SellerTask {
  readonly way: Way;
  readonly shop: Shop;
  readonly callers: number;
  readonly productIds: readonly string[];
  readonly seed: number;
}

export interface SellRound {
  readonly seconds: number;
  /** Each caller stops after so many refusals. */
  readonly refusals: number;
}

export interface Sold {
  readonly sold: number;
  readonly refused: number;
  readonly seconds: number;
}

let task: SellerTask | undefined;
let sellers: Sellers | undefined;
let random = Math.random;

process.on('message', (message: SellerTask | SellRound | 'stop') => {
  handle(message).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  });
});

async function handle(message: SellerTask | SellRound | 'stop'): Promise<void> {
  if (message === 'stop') {
    await sellers?.close();
    process.disconnect();
  } else if ('way' in message) {
    task = message;
    random = seededRandom(message.seed);
    sellers = await openSellers(message.way, message.shop, message.callers);
    process.send?.('ready');
  } else {
    process.send?.(await sell(message));
  }
}

async function sell({ seconds, refusals }: SellRound): Promise<Sold> {
  const productIds = task?.productIds ?? [];
  const began = performance.now();
  let sold = 0;
  let refused = 0;
  const caller = async (seller: Sellers['each'][number]): Promise<void> => {
    let own = 0;
    while (own < refusals && performance.now() - began < seconds * 1000) {
      const productId = productIds[Math.floor(random() * productIds.length)] as string;
      if (await seller(productId)) sold += 1;
      else own += 1;
    }
    refused += own;
  };
  await Promise.all((sellers?.each ?? []).map(caller));
  return { sold, refused, seconds: (performance.now() - began) / 1000 };
}
