import { checkAddress, type ShipTo } from '../../../domain/order/check-address';
import { type CheckFacts, checkOrder, type OrderToCheck } from '../../../domain/order/check-order';
import { type CatalogFacts, mapLines, type ProductFacts, resolveSku } from '../../../domain/order/map-lines';

const address: ShipTo = {
  name: 'Demo Customer',
  company: null,
  line1: 'Demo Street 1',
  line2: null,
  city: 'Springfield',
  region: 'IL',
  postalCode: '62701',
  country: 'US',
};

const stocked = (productId: string, ships = true): ProductFacts => ({
  productId,
  sku: `SKU-${productId}`,
  ships,
  components: null,
});
const bundle = (productId: string, ...components: [string, number][]): ProductFacts => ({
  productId,
  sku: `SKU-${productId}`,
  ships: true,
  components: components.map(([id, quantity]) => ({ productId: id, quantity })),
});

const facts: CheckFacts = {
  paymentPolicy: 'authorised',
  shippingMethods: [
    { connectionId: null, method: 'Standard', serviceLevel: 'ground', services: [], maxDays: null },
    {
      connectionId: 'shop',
      method: 'standard',
      serviceLevel: 'economy',
      services: ['usps_media'],
      maxDays: 9,
    },
  ],
  aliases: [],
  products: [stocked('p1'), stocked('gift', false)],
};
const order: OrderToCheck = {
  connectionId: 'shop',
  payment: 'authorised',
  requestedShippingMethod: 'Standard',
  shipTo: address,
  lines: [{ orderLineId: 'l1', sku: 'SKU-p1', quantity: 2, ships: true }],
};
const line = (orderLineId: string, sku: string, quantity = 1, ships = true) => ({
  orderLineId,
  sku,
  quantity,
  ships,
});

describe('checkOrder', () => {
  test('an order with nothing wrong is demand of products at a service level', () => {
    expect(checkOrder(order, facts)).toEqual({
      blocked: [],
      shipping: facts.shippingMethods[1],
      demand: [{ orderLineId: 'l1', productId: 'p1', quantity: 2 }],
      mapped: [{ orderLineId: 'l1', productId: 'p1', units: 2 }],
      serviceLineIds: [],
      ships: true,
    });
  });

  test('every reason is named at once, in one fixed order', () => {
    const checked = checkOrder(
      {
        ...order,
        payment: 'pending',
        requestedShippingMethod: ' Drone   Drop ',
        shipTo: { ...address, line1: ' ' },
        lines: [line('l1', 'X'), line('l2', 'X'), line('l3', '')],
      },
      facts,
    );
    expect(checked.blocked).toEqual([
      { reason: 'payment_pending', problems: ['The payment is still pending.'], subjects: [] },
      {
        reason: 'unmapped_shipping_method',
        problems: ['The shipping method "Drone   Drop" isn\'t mapped to a service level.'],
        subjects: ['drone drop'],
      },
      { reason: 'address_invalid', problems: ['The street line is missing.'], subjects: [] },
      {
        reason: 'unmapped_sku',
        problems: [
          '"X": No product and no alias has this SKU.',
          '"X": No product and no alias has this SKU.',
          'The line has no SKU.',
        ],
        subjects: ['X', ''],
      },
    ]);
  });

  test.each([
    ['none', ['pending', 'authorised', 'captured', 'voided', 'refunded']],
    ['authorised', ['authorised', 'captured']],
    ['captured', ['captured']],
  ] as const)('a merchant that requires payment "%s" lets exactly %j pass', (paymentPolicy, passing) => {
    for (const payment of ['pending', 'authorised', 'captured', 'voided', 'refunded'] as const) {
      const { blocked } = checkOrder({ ...order, payment }, { ...facts, paymentPolicy });
      expect([payment, blocked.length === 0]).toEqual([
        payment,
        (passing as readonly string[]).includes(payment),
      ]);
    }
  });

  test("a shipping method is the connection's own mapping, then the merchant's; none asked for is mapped by name ''", () => {
    const fallback = { connectionId: null, method: '', serviceLevel: 'slow', services: [], maxDays: null };
    const level = (connectionId: string, method: string | null, more: (typeof fallback)[] = []) =>
      checkOrder(
        { ...order, connectionId, requestedShippingMethod: method },
        { ...facts, shippingMethods: [...facts.shippingMethods, ...more] },
      ).shipping?.serviceLevel;
    expect(level('shop', ' STANDARD ')).toBe('economy');
    expect(level('other', 'standard')).toBe('ground');
    expect(level('shop', null, [fallback])).toBe('slow');
    expect(level('shop', null)).toBeUndefined();
    expect(level('shop', 'drone', [fallback])).toBeUndefined();
  });

  test('an order of services alone needs no address, no shipping method and no SKU', () => {
    const checked = checkOrder(
      {
        ...order,
        requestedShippingMethod: null,
        shipTo: { ...address, line1: null, country: null },
        lines: [line('l1', 'no such thing', 1, false), line('l2', 'SKU-gift')],
      },
      facts,
    );
    expect(checked).toMatchObject({ blocked: [], ships: false, demand: [], serviceLineIds: ['l1', 'l2'] });
  });

  test('one unmapped line keeps the order back but not the mapping of the others', () => {
    const checked = checkOrder({ ...order, lines: [line('l1', 'X'), line('l2', 'SKU-p1')] }, facts);
    expect(checked.blocked.map((entry) => entry.reason)).toEqual(['unmapped_sku']);
    expect(checked.demand).toEqual([{ orderLineId: 'l2', productId: 'p1', quantity: 1 }]);
  });
});

describe('SKU mapping', () => {
  const alias = (connectionId: string | null, productId: string, unitsPerSku = 1) => ({
    connectionId,
    sku: 'A',
    productId,
    unitsPerSku,
  });
  const product: ProductFacts = { ...stocked('own'), sku: 'A' };

  test("the connection's alias wins over the merchant's, which wins over the product's own SKU", () => {
    const aliases = [alias(null, 'wide'), alias('shop', 'shop'), alias('other', 'other')];
    const resolve = (used: CatalogFacts['aliases'], sku = 'A') =>
      resolveSku(sku, 'shop', { aliases: used, products: [product] })?.productId;
    expect(resolve(aliases)).toBe('shop');
    expect(resolve(aliases.filter((entry) => entry.connectionId !== 'shop'))).toBe('wide');
    expect(resolve([alias('other', 'other')])).toBe('own');
    expect(resolve(aliases, 'a')).toBeUndefined();
    expect(resolve(aliases, '')).toBeUndefined();
  });

  test('an alias of a case multiplies the units', () => {
    const mapped = mapLines([line('l1', 'A', 3)], 'shop', {
      aliases: [alias(null, 'p1', 12)],
      products: [stocked('p1')],
    });
    expect(mapped.demand).toEqual([{ orderLineId: 'l1', productId: 'p1', quantity: 36 }]);
  });

  test('nested bundles multiply, sum what they share, and leave out what does not ship', () => {
    const products = [
      stocked('p1'),
      stocked('p2'),
      stocked('card', false),
      bundle('inner', ['p1', 2], ['p2', 1]),
      bundle('outer', ['inner', 3], ['p1', 1], ['card', 1]),
    ];
    expect(mapLines([line('l1', 'SKU-outer', 2)], 'shop', { aliases: [], products }).demand).toEqual([
      { orderLineId: 'l1', productId: 'p1', quantity: 14 },
      { orderLineId: 'l1', productId: 'p2', quantity: 6 },
    ]);
  });

  test.each<[string, ProductFacts[], string]>([
    [
      'that contains itself',
      [bundle('b0', ['b1', 1]), bundle('b1', ['b0', 1])],
      'The bundle contains itself.',
    ],
    ['without components', [bundle('b0')], 'The bundle has no components.'],
    ['whose component is gone', [bundle('b0', ['gone', 1])], 'A product that it leads to no longer exists.'],
    ['with a quantity of 0', [bundle('b0', ['p1', 0]), stocked('p1')], 'A quantity in the bundle is wrong.'],
    [
      'nested six deep',
      [
        ...[0, 1, 2, 3, 4].map((n) => bundle(`b${n}`, [`b${n + 1}`, 1])),
        bundle('b5', ['p1', 1]),
        stocked('p1'),
      ],
      'The bundle is nested deeper than 5 levels.',
    ],
    [
      'that unfolds without end',
      [
        ...[0, 1, 2, 3].map((n) =>
          bundle(`b${n}`, ...Array.from({ length: 30 }, (): [string, number] => [`b${n + 1}`, 1])),
        ),
        bundle('b4', ['p1', 1]),
        stocked('p1'),
      ],
      'The bundle has too many components.',
    ],
  ])('a bundle %s parks the line with a sentence', (_name, products, problem) => {
    const { unmapped, demand } = mapLines([line('l1', 'SKU-b0')], 'shop', { aliases: [], products });
    expect(unmapped).toEqual([{ orderLineId: 'l1', sku: 'SKU-b0', problem }]);
    expect(demand).toEqual([]);
  });

  test('five levels of bundles are exploded', () => {
    const products = [
      ...[0, 1, 2, 3].map((n) => bundle(`b${n}`, [`b${n + 1}`, 2])),
      bundle('b4', ['p1', 1]),
      stocked('p1'),
    ];
    expect(mapLines([line('l1', 'SKU-b0')], 'shop', { aliases: [], products }).demand).toEqual([
      { orderLineId: 'l1', productId: 'p1', quantity: 16 },
    ]);
  });
});

describe('the local address check', () => {
  test.each<[string, Partial<ShipTo>, string[]]>([
    ['complete', {}, []],
    ['a company without a name', { name: null, company: 'Demo Ltd' }, []],
    ['no name', { name: ' ' }, ['A name or a company is missing.']],
    ['no city', { city: null }, ['The city is missing.']],
    ['no country', { country: null }, ['The country is missing.']],
    [
      'a country in words',
      { country: 'United States' },
      ['"United States" is not a two-letter ISO country code.'],
    ],
    ['an unassigned code', { country: 'UK' }, ['"UK" is not a two-letter ISO country code.']],
    ['no postal code', { postalCode: null }, ['The postal code is missing, and US uses them.']],
    ['no postal code in Hong Kong', { country: 'HK', postalCode: null }, []],
    ['ZIP+4', { postalCode: '62701-1234' }, []],
    [
      'a ZIP of four digits',
      { postalCode: '6270' },
      ["The postal code doesn't have the shape that US uses."],
    ],
    ['Canada, spaced, lower case', { country: 'CA', postalCode: 'k1a 0b1' }, []],
    ['London', { country: 'GB', postalCode: 'EC1A 1BB' }, []],
    ['a country whose shape is not listed', { country: 'KR', postalCode: 'anything' }, []],
    [
      'nothing at all',
      { name: null, line1: null, city: null, postalCode: null, country: null },
      [
        'A name or a company is missing.',
        'The street line is missing.',
        'The city is missing.',
        'The country is missing.',
      ],
    ],
  ])('%s', (_name, change, problems) => {
    expect(checkAddress({ ...address, ...change })).toEqual(problems);
  });
});
