/**
 * The stories that `quayside demo` tells and checks as it tells them. Each begins with a customer in the
 * demo shop and ends with what everybody then knows: we, the shop, the carrier, the customer's mailbox.
 */
import { CARRIER_TIMEOUT_COMPANY } from '../../simulators/shopify/demo-orders';
import { DUPLICATE_WEBHOOK_TAG, type NewOrder } from '../../simulators/shopify/shop-input';
import { ApiRefusal } from '../api-client';
import type { OrderDetail } from '../orders';
import { lastUnit } from './last-unit';
import { isShipped, receive, type Story, withSku } from './story';
import type { PlacedOrder, World } from './world';

const labelsOf = (order: OrderDetail) => order.parcels.flatMap(({ labels }) => labels);
const trackingOf = (order: OrderDetail): string =>
  order.parcels.flatMap(({ trackingNumber }) => trackingNumber ?? []).join(', ');

/** Waits until the order stops for this reason and is listed as stuck. */
async function stops(world: World, placed: PlacedOrder, reason: string, why: string): Promise<OrderDetail> {
  const { id } = await world.arrival(placed);
  const order = await world.becomes(
    `${why}: it waits as ${reason}`,
    id,
    (one) => one.blockedReason === reason,
  );
  const listed = order.exceptions.find((one) => one.state === 'open' && one.reason === reason);
  world.expect(
    `it is on the stuck list: ${listed?.message ?? ''} (owner: ${listed?.owner ?? ''})`,
    listed !== undefined,
    'no exception is open',
  );
  return order;
}

/** Waits until the order goes on by itself and leaves the dock. */
async function goesOn(world: World, id: string): Promise<OrderDetail> {
  await world.becomes('it goes on by itself', id, (order) => order.blockedReason === null);
  const order = await world.becomes('picked, packed, labelled and shipped', id, isShipped);
  world.expect(
    `with ${trackingOf(order)}; nothing is open any more`,
    trackingOf(order) !== '' && order.exceptions.every((one) => one.state === 'resolved'),
    'an exception is still open',
  );
  return order;
}

const happy: Story = {
  name: 'happy',
  about: 'an order from the shop to the customer’s door',
  async tell(world) {
    const placed = await world.order();
    const { id } = await world.arrival(placed);
    const planned = await world.becomes(
      'checked, routed and reserved; the floor has the work',
      id,
      ({ fulfilmentOrders }) => fulfilmentOrders.length > 0,
    );
    const [part] = planned.fulfilmentOrders;
    world.tell(`the warehouse is ${part?.warehouseCode ?? '?'}, ship by ${planned.shipBy ?? 'any time'}`);
    const labelled = await world.becomes('picked, packed, label bought', id, (order) =>
      labelsOf(order).some(({ state }) => ['purchased', 'shipped'].includes(state)),
    );
    const [label] = labelsOf(labelled);
    world.tell(`${label?.carrier} ${label?.service}, tracking number ${label?.trackingNumber}`);
    await world.becomes('scanned onto the truck: shipped', id, isShipped);
    await stockMoved(world, id);
    await world.until('the shop knows the tracking number', async () => {
      const { fulfillments } = await world.shopOrder(placed);
      return fulfillments.some((one) => one.tracking_number === label?.trackingNumber) || null;
    });
    await world.becomes('the carrier delivers; the order is closed', id, ({ state }) => state === 'closed');
    const mails = await world.until('three mails reached the customer', async () => {
      const found = await world.mails(placed);
      return found.length >= 3 ? found : null;
    });
    world.expect(
      `each once: ${mails.map(({ subject }) => `"${subject}"`).join(', ')}`,
      mails.length === 3,
      `there are ${mails.length}`,
    );
  },
};

/** The ledger says that exactly what was ordered has left the building. */
async function stockMoved(world: World, id: string): Promise<void> {
  const { lines } = await world.detail(id);
  for (const { sku, quantity } of lines) {
    await world.until(`the ledger shows ${quantity} × ${sku} gone`, async () => {
      const entries = await world.api.list<{ orderId: string | null; change: number }>(
        `/v1/stock/${encodeURIComponent(sku)}/ledger`,
        {},
        1_000,
      );
      const change = entries
        .filter(({ orderId }) => orderId === id)
        .reduce((sum, entry) => sum + entry.change, 0);
      return change === -quantity || null;
    });
  }
}

const unmappedSku: Story = {
  name: 'unmapped-sku',
  about: 'the shop sells under a name that we don’t know, until an alias is made',
  async tell(world) {
    const sku = `DEMO-STORY-${world.mark}`;
    const placed = await world.order((order) => withSku(order, sku));
    const { id } = await stops(world, placed, 'unmapped_sku', 'nobody knows this SKU');
    const { productId, known } = await anyProduct(world);
    await world.api.send('POST', '/v1/sku-aliases', { alias: sku, productId });
    world.tell(`somebody maps ${sku} to ${known}`);
    await goesOn(world, id);
  },
};

const badAddress: Story = {
  name: 'bad-address',
  about: 'an address that nobody could deliver to, until it is corrected',
  async tell(world) {
    let right: NewOrder['shipping_address'];
    const placed = await world.order((order) => {
      right = order.shipping_address;
      return {
        ...order,
        shipping_address: { ...right, address1: null, city: 'Nowhere (demo)', zip: '00000' },
      };
    });
    const { id } = await stops(world, placed, 'address_invalid', 'the address has no street');
    await world.api.send('POST', `/v1/orders/${id}/address`, {
      name: right?.name,
      line1: right?.address1,
      city: right?.city,
      region: right?.province_code,
      postalCode: right?.zip,
      country: right?.country_code,
      phone: right?.phone,
      email: placed.email,
    });
    world.tell(`somebody corrects it: ${right?.address1}, ${right?.city}`);
    const order = await goesOn(world, id);
    const version = order.shipTo?.version;
    world.expect(
      'the label was bought for the corrected address',
      labelsOf(order).every(({ addressVersion }) => addressVersion === version),
    );
  },
};

const payment: Story = {
  name: 'payment',
  about: 'an order that isn’t paid yet',
  async tell(world) {
    const placed = await world.order(unpaid);
    const { id } = await stops(world, placed, 'payment_pending', 'it is not paid');
    await world.inShop(placed, 'pay');
    await goesOn(world, id);
  },
};

const outOfStock: Story = {
  name: 'out-of-stock',
  about: 'two orders wait for the same goods; the older one gets them first',
  async tell(world) {
    const sku = `DEMO-STORY-${world.mark}`;
    const size = { weightGrams: 300, lengthMm: 120, widthMm: 100, heightMm: 80 };
    await world.api.send('POST', '/v1/products', { sku, name: 'Demo article of a story', ...size });
    world.tell(`there is a new article, ${sku}, and none of it in stock`);
    const older = await stops(
      world,
      await world.order((order) => withSku(order, sku)),
      'out_of_stock',
      'there is none',
    );
    const younger = await stops(
      world,
      await world.order((order) => withSku(order, sku)),
      'out_of_stock',
      'there is none for it either',
    );
    await receive(world, sku);
    await goesOn(world, older.id);
    const waiting = await world.detail(younger.id);
    world.expect(
      'the younger one still waits',
      waiting.blockedReason === 'out_of_stock' && waiting.fulfilmentOrders.length === 0,
      `it is ${waiting.state}`,
    );
    await receive(world, sku);
    await goesOn(world, younger.id);
  },
};

const carrierTimeout: Story = {
  name: 'carrier-timeout',
  about: 'the carrier sells a label and its answer never comes: one label all the same',
  async tell(world) {
    const placed = await world.order((order) => ({
      ...order,
      shipping_address: { ...order.shipping_address, company: CARRIER_TIMEOUT_COMPANY },
    }));
    world.tell('the carrier is going to buy this label and stay silent about it');
    const { id } = await world.arrival(placed);
    const order = await world.becomes('the label is found by looking it up; shipped', id, isShipped);
    const labels = labelsOf(order);
    world.expect('we have exactly one label', labels.length === 1, `there are ${labels.length}`);
    const bought = (await world.journal('carrier', 'label_bought')).filter(
      ({ fact }) => fact['trackingCode'] === labels[0]?.trackingNumber,
    );
    world.expect('the carrier sold exactly one', bought.length === 1, `it sold ${bought.length}`);
    const reference = bought[0]?.fact['reference'];
    const ofThisParcel = (await world.journal('carrier', 'label_bought')).filter(
      ({ fact }) => fact['reference'] === reference,
    );
    world.expect('and none besides under its reference', ofThisParcel.length === 1);
  },
};

const cancel: Story = {
  name: 'cancel',
  about: 'cancelled before the floor begins; after the truck has left it is too late',
  async tell(world) {
    const first = await world.order(unpaid);
    const { id } = await stops(world, first, 'payment_pending', 'it is not paid');
    await world.inShop(first, 'cancel');
    const cancelled = await world.becomes('the order is cancelled', id, ({ state }) => state === 'cancelled');
    world.expect(
      'nothing was bought, and nothing is open any more',
      labelsOf(cancelled).length === 0 && cancelled.exceptions.every((one) => one.state === 'resolved'),
      'something is left',
    );
    const second = await world.order();
    const late = await world.arrival(second);
    await world.becomes('a second order is shipped', late.id, isShipped);
    const status = await world.api
      .send('POST', `/v1/orders/${late.id}/cancel`, { reason: 'a story of the demo' })
      .then(
        () => 200,
        (error: unknown) => {
          if (error instanceof ApiRefusal) return error.status;
          throw error;
        },
      );
    world.expect('cancelling that one is refused: too late', status === 409, `it was answered ${status}`);
  },
};

const hold: Story = {
  name: 'hold',
  about: 'somebody holds an order; it stays where it is until the hold is released by its name',
  async tell(world) {
    const placed = await world.order(unpaid);
    const { id } = await stops(world, placed, 'payment_pending', 'it is not paid');
    await world.api.send('POST', `/v1/orders/${id}/hold`, { name: 'story', note: 'a story of the demo' });
    await world.becomes('somebody holds it', id, ({ held }) => held);
    await world.inShop(placed, 'pay');
    const paid = await world.becomes(
      'the payment is known, and still it is held',
      id,
      (order) => order.held && order.payment === 'captured',
    );
    world.expect('nothing is planned for it', paid.fulfilmentOrders.length === 0);
    await world.api.send('POST', `/v1/orders/${id}/release`, { name: 'story' });
    await world.becomes('the hold is released', id, ({ held }) => !held);
    await goesOn(world, id);
  },
};

const duplicateWebhook: Story = {
  name: 'duplicate-webhook',
  about: 'the shop tells of one order twice: it is one order',
  async tell(world) {
    const placed = await world.order((order) => ({ ...order, tags: `demo, ${DUPLICATE_WEBHOOK_TAG}` }));
    const { id } = await world.arrival(placed);
    await world.until('the shop has told of it twice, and was answered both times', async () => {
      const told = (await world.journal('shop', 'webhook_delivered')).filter(
        ({ fact }) => String(fact['orderId']) === placed.externalId && fact['topic'] === 'orders/create',
      );
      return told.length === 2 || null;
    });
    const order = await world.becomes('it is shipped', id, isShipped);
    const all = await world.ours(placed);
    world.expect('there is one order', all.length === 1, `there are ${all.length}`);
    world.expect('with one label', labelsOf(order).length === 1, `it has ${labelsOf(order).length}`);
  },
};

const unpaid = (order: NewOrder): NewOrder => ({ ...order, financial_status: 'pending' });

async function anyProduct(world: World): Promise<{ productId: string; known: string }> {
  const products = await world.api.list<{ id: string; sku: string }>('/v1/products', {}, 200);
  const found = products.find(({ sku }) => sku === 'DEMO-MUG-WHT') ?? products[0];
  return { productId: found?.id ?? '', known: found?.sku ?? '' };
}

export const STORIES: readonly Story[] = [
  happy,
  unmappedSku,
  badAddress,
  payment,
  outOfStock,
  carrierTimeout,
  cancel,
  hold,
  duplicateWebhook,
  lastUnit,
];
