/**
 * Orders of a demo shop: made up, and visibly so (demo names, example.com, 555 numbers), on real pairs
 * of ZIP, city and state so that distances and rates make sense. The same seed gives the same order.
 * A flaw makes exactly one thing wrong with it, so that somebody can watch how the engine deals with it.
 */
import { seededRandom } from '../fault-knobs';
import { DUPLICATE_WEBHOOK_TAG, type NewOrder, type Product, REFUSE_TRACKING_TAG } from './shop-input';

export const DEMO_FLAWS = [
  'unmapped_sku',
  'unmapped_shipping_method',
  'bad_address',
  'payment_pending',
  'out_of_stock',
  'tracking_refused',
  'duplicate_webhook',
  'carrier_timeout',
] as const;
export type DemoFlaw = (typeof DEMO_FLAWS)[number];

/** Company line of an address by which a simulated carrier knows that it is to time out for it. */
export const CARRIER_TIMEOUT_COMPANY = 'DEMO carrier time-out';

export const DEMO_SHIPPING_METHODS = [
  { code: 'standard', title: 'Standard (demo)', price: '4.95' },
  { code: 'expedited', title: 'Expedited (demo)', price: '12.50' },
] as const;

const PLACES = [
  ['10001', 'New York', 'New York', 'NY'],
  ['02108', 'Boston', 'Massachusetts', 'MA'],
  ['19103', 'Philadelphia', 'Pennsylvania', 'PA'],
  ['20001', 'Washington', 'District of Columbia', 'DC'],
  ['30303', 'Atlanta', 'Georgia', 'GA'],
  ['33130', 'Miami', 'Florida', 'FL'],
  ['37203', 'Nashville', 'Tennessee', 'TN'],
  ['43215', 'Columbus', 'Ohio', 'OH'],
  ['48226', 'Detroit', 'Michigan', 'MI'],
  ['55401', 'Minneapolis', 'Minnesota', 'MN'],
  ['60601', 'Chicago', 'Illinois', 'IL'],
  ['63101', 'Saint Louis', 'Missouri', 'MO'],
  ['70112', 'New Orleans', 'Louisiana', 'LA'],
  ['75201', 'Dallas', 'Texas', 'TX'],
  ['78701', 'Austin', 'Texas', 'TX'],
  ['80202', 'Denver', 'Colorado', 'CO'],
  ['84101', 'Salt Lake City', 'Utah', 'UT'],
  ['85004', 'Phoenix', 'Arizona', 'AZ'],
  ['89101', 'Las Vegas', 'Nevada', 'NV'],
  ['90012', 'Los Angeles', 'California', 'CA'],
  ['94103', 'San Francisco', 'California', 'CA'],
  ['97204', 'Portland', 'Oregon', 'OR'],
  ['98101', 'Seattle', 'Washington', 'WA'],
] as const;

/** More than any demo warehouse holds. */
const BEYOND_STOCK = 50_000;

/**
 * @param catalogue what the shop sells; at least one product that is `stocked`.
 * @throws RangeError when the catalogue has nothing to order.
 */
export function generateDemoOrder(
  seed: number,
  catalogue: readonly Product[],
  { flaw }: { readonly flaw?: DemoFlaw | undefined } = {},
): NewOrder {
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => {
    const chosen = from[Math.floor(random() * from.length)];
    if (chosen === undefined) throw new RangeError('the catalogue has nothing to order');
    return chosen;
  };
  const customer = Math.floor(random() * 500);
  const place = pick(PLACES);
  const method = random() < 0.8 ? DEMO_SHIPPING_METHODS[0] : DEMO_SHIPPING_METHODS[1];
  const stocked = catalogue.filter((product) => product.stocked);
  const first = pick(stocked);
  const others = stocked.filter(({ sku }) => sku !== first.sku);
  const products = others.length > 0 && random() < 0.4 ? [first, pick(others)] : [first];
  const lines = products.map((product) => lineOf(product, random() < 0.75 ? 1 : 2));
  const email = `demo-${customer}@example.com`;
  const order: NewOrder = {
    currency: 'USD',
    financial_status: 'paid',
    email,
    tags: 'demo',
    shipping_address: addressOf(customer, place),
    shipping_lines: [{ ...method }],
    line_items: lines,
  };
  return flaw === undefined ? order : flawed(order, flaw, catalogue);
}

function lineOf({ sku, title, price, grams }: Product, quantity: number): NewOrder['line_items'][number] {
  return { sku, title, price, grams, quantity };
}

function addressOf(customer: number, [zip, city, province, province_code]: (typeof PLACES)[number]) {
  return {
    first_name: 'Demo',
    last_name: `Customer ${customer}`,
    name: `Demo Customer ${customer}`,
    address1: `${customer + 1} Demo Street`,
    city,
    province,
    province_code,
    zip,
    country: 'United States',
    country_code: 'US',
    phone: `+1 202 555 0${100 + (customer % 100)}`,
  };
}

function flawed(order: NewOrder, flaw: DemoFlaw, catalogue: readonly Product[]): NewOrder {
  const [first, ...rest] = order.line_items;
  const address = order.shipping_address;
  if (first === undefined || !address) throw new RangeError('a demo order has a line and an address');
  const tags = (tag: string) => `demo, ${tag}`;
  switch (flaw) {
    case 'unmapped_sku':
      return {
        ...order,
        line_items: [{ ...first, sku: 'DEMO-UNKNOWN-SKU', title: 'Not in the catalogue (demo)' }, ...rest],
      };
    case 'unmapped_shipping_method':
      return {
        ...order,
        shipping_lines: [{ code: 'demo_pigeon', title: 'Carrier pigeon (demo)', price: '0.00' }],
      };
    case 'bad_address':
      return {
        ...order,
        shipping_address: { ...address, address1: null, city: 'Nowhere (demo)', zip: '00000' },
      };
    case 'payment_pending':
      return { ...order, financial_status: 'pending' };
    case 'out_of_stock': {
      const absent = catalogue.find(({ stocked }) => !stocked);
      return {
        ...order,
        line_items: [absent ? lineOf(absent, 1) : { ...first, quantity: BEYOND_STOCK }, ...rest],
      };
    }
    case 'tracking_refused':
      return { ...order, tags: tags(REFUSE_TRACKING_TAG) };
    case 'duplicate_webhook':
      return { ...order, tags: tags(DUPLICATE_WEBHOOK_TAG) };
    case 'carrier_timeout':
      return { ...order, shipping_address: { ...address, company: CARRIER_TIMEOUT_COMPANY } };
  }
}
