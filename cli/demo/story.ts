/** What a story is, and what several of them do. */
import type { NewOrder } from '../../simulators/shopify';
import type { OrderDetail } from '../orders';
import type { World } from './world';

export interface Story {
  readonly name: string;
  readonly about: string;
  tell(world: World): Promise<void>;
}

const SHIPPED = ['shipped', 'delivered', 'closed'];
export const isShipped = (order: OrderDetail): boolean => SHIPPED.includes(order.state);

export function withSku(order: NewOrder, sku: string): NewOrder {
  return { ...order, line_items: order.line_items.map((line) => ({ ...line, sku, quantity: 1 })) };
}

export async function receive(world: World, sku: string): Promise<void> {
  const [warehouse] = await world.api.list<{ id: string; code: string }>('/v1/warehouses', {}, 1);
  await world.api.send('POST', '/v1/stock/adjustments', {
    warehouseId: warehouse?.id,
    reason: 'found in a story of the demo',
    lines: [{ sku, locationCode: 'A-01-1', delta: 1 }],
  });
  world.tell(`one unit is put into ${warehouse?.code} A-01-1`);
}
