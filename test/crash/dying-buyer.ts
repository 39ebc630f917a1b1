/**
 * A process that buys a label and is killed by SIGKILL at the moment it is told: nothing is flushed, no
 * `finally` runs, as when a machine loses power. Its one argument is JSON (`BuyerOrders`).
 */
import { Database } from '../../db/client';
import { around, buyLabelOnce, type ParcelToBuy } from './label-world';

export interface BuyerOrders {
  readonly appUrl: string;
  readonly systemUrl: string;
  readonly key: string;
  readonly parcel: ParcelToBuy;
  readonly dies:
    | { readonly call: 'createShipment' | 'buyLabel'; readonly moment: 'before' | 'after' }
    | { readonly call: 'buyLabel'; readonly moment: 'during'; readonly afterMs: number }
    | { readonly call: 'record'; readonly moment: 'after' };
}

const die = () => process.kill(process.pid, 'SIGKILL');

async function main(orders: BuyerOrders): Promise<void> {
  const { appUrl, systemUrl, key, parcel, dies } = orders;
  const database = new Database({ appUrl, systemUrl, poolSize: 2 });
  const keys = [{ id: 'test', key: Buffer.from(key, 'base64') }];
  if (dies.call === 'record') {
    await buyLabelOnce(database, keys, parcel);
    die();
  } else if (dies.moment === 'during') {
    const { afterMs } = dies;
    const carrier = around('buyLabel', 'before', () => setTimeout(die, afterMs));
    await buyLabelOnce(database, keys, parcel, carrier);
  } else {
    await buyLabelOnce(database, keys, parcel, around(dies.call, dies.moment, die));
  }
}

main(JSON.parse(process.argv[2] as string) as BuyerOrders).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
