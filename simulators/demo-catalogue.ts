/**
 * What the demo merchant sells, visibly made up: the seed makes products, bundles and aliases of it, the
 * simulated shop offers the same goods. Sizes, weights and prices are those of everyday things, so that
 * cartons and rates look as they would. One article is never in stock, for the orders that wait for it.
 */
import { gs1CheckDigit } from '../domain/ids';
import type { Product } from './shopify/shop-input';

export interface DemoProduct {
  readonly sku: string;
  readonly name: string;
  readonly gtin: string;
  readonly weightGrams: number;
  /** Length, width, height of one unit, packed. */
  readonly sidesMm: readonly [number, number, number];
  readonly costMinor: number;
  readonly priceMinor: number;
  readonly lotTracked: boolean;
  /** False for the one that the warehouses are known not to have. */
  readonly stocked: boolean;
}

export interface DemoBundle {
  readonly sku: string;
  readonly name: string;
  readonly priceMinor: number;
  readonly components: readonly { readonly sku: string; readonly quantity: number }[];
}

export interface DemoAlias {
  readonly alias: string;
  readonly sku: string;
  /** Units of the product in one unit of the alias. */
  readonly multiplier: number;
  /** null where the shop doesn't offer it and only understands it. */
  readonly offered: { readonly name: string; readonly priceMinor: number } | null;
}

type Kind = readonly [
  code: string,
  name: string,
  grams: number,
  sidesMm: readonly [number, number, number],
  costMinor: number,
  priceMinor: number,
  variants: readonly (readonly [code: string, name: string])[],
];

const COLOURS = [
  ['BLU', 'blue'],
  ['RED', 'red'],
  ['GRN', 'green'],
  ['BLK', 'black'],
  ['WHT', 'white'],
] as const;
const SIZES = [
  ['S', 'small'],
  ['M', 'medium'],
  ['L', 'large'],
  ['XL', 'extra large'],
] as const;

const KINDS: readonly Kind[] = [
  ['TSHIRT-BLU', 'T-shirt, blue', 180, [300, 220, 20], 420, 1900, SIZES],
  ['TSHIRT-BLK', 'T-shirt, black', 180, [300, 220, 20], 420, 1900, SIZES],
  ['HOODIE-GRY', 'hooded jumper, grey', 620, [340, 280, 70], 1450, 4900, SIZES],
  ['CAP', 'cap', 95, [200, 180, 110], 310, 1500, COLOURS],
  ['MUG', 'mug', 340, [120, 100, 105], 190, 1200, COLOURS],
  ['BOTTLE', 'steel bottle', 290, [260, 75, 75], 520, 2400, COLOURS],
  ['NOTEBOOK', 'notebook', 260, [215, 150, 16], 160, 990, COLOURS],
  ['TOTE', 'cotton bag', 140, [380, 300, 8], 150, 890, COLOURS],
  ['CANDLE', 'candle', 410, [90, 90, 110], 280, 1650, COLOURS],
  ['SOCKS', 'pair of socks', 70, [180, 90, 30], 110, 790, COLOURS],
  ['TOWEL', 'towel', 480, [320, 240, 60], 390, 2100, COLOURS],
  ['LAMP', 'desk lamp', 1350, [420, 180, 160], 1280, 5400, COLOURS.slice(0, 3)],
];

const PREFIX = 'DEMO-';
const TEA = `${PREFIX}TEA-GREEN`;
/** Ordered to see an order wait for stock. */
export const SOLD_OUT_SKU = `${PREFIX}CLOCK-SOLDOUT`;

export const DEMO_PRODUCTS: readonly DemoProduct[] = [
  ...KINDS.flatMap(([code, name, weightGrams, sidesMm, costMinor, priceMinor, variants]) =>
    variants.map(([variant, variantName]) => ({
      sku: `${PREFIX}${code}-${variant}`,
      name: `Demo ${name}, ${variantName}`,
      weightGrams,
      sidesMm,
      costMinor,
      priceMinor,
      lotTracked: false,
      stocked: true,
    })),
  ),
  {
    sku: TEA,
    name: 'Demo green tea, 100 g (tracked by lot)',
    weightGrams: 125,
    sidesMm: [140, 80, 60] as const,
    costMinor: 240,
    priceMinor: 950,
    lotTracked: true,
    stocked: true,
  },
  {
    sku: SOLD_OUT_SKU,
    name: 'Demo wall clock (never in stock)',
    weightGrams: 900,
    sidesMm: [310, 310, 60] as const,
    costMinor: 1100,
    priceMinor: 3900,
    lotTracked: false,
    stocked: false,
  },
].map((product, index) => ({ ...product, gtin: demoGtin(index + 1) }));

export const DEMO_BUNDLES: readonly DemoBundle[] = [
  {
    sku: `${PREFIX}SET-BREAKFAST`,
    name: 'Demo breakfast set: two mugs and a tea',
    priceMinor: 2990,
    components: [
      { sku: `${PREFIX}MUG-WHT`, quantity: 2 },
      { sku: TEA, quantity: 1 },
    ],
  },
  {
    sku: `${PREFIX}SET-DESK`,
    name: 'Demo desk set: lamp and notebook',
    priceMinor: 5990,
    components: [
      { sku: `${PREFIX}LAMP-BLU`, quantity: 1 },
      { sku: `${PREFIX}NOTEBOOK-BLU`, quantity: 1 },
    ],
  },
  {
    sku: `${PREFIX}SET-SOCKS`,
    name: 'Demo three pairs of socks',
    priceMinor: 1990,
    components: [
      { sku: `${PREFIX}SOCKS-BLU`, quantity: 1 },
      { sku: `${PREFIX}SOCKS-RED`, quantity: 1 },
      { sku: `${PREFIX}SOCKS-GRN`, quantity: 1 },
    ],
  },
];

export const DEMO_ALIASES: readonly DemoAlias[] = [
  {
    alias: `${PREFIX}MUG-BLU-CASE12`,
    sku: `${PREFIX}MUG-BLU`,
    multiplier: 12,
    offered: { name: 'Demo case of 12 blue mugs', priceMinor: 12900 },
  },
  { alias: 'TSBL-L', sku: `${PREFIX}TSHIRT-BLU-L`, multiplier: 1, offered: null },
];

/** What the demo shop offers: products, bundles and cases. */
export function demoShopProducts(): readonly Product[] {
  const grams = new Map(DEMO_PRODUCTS.map(({ sku, weightGrams }) => [sku, weightGrams]));
  const gramsOf = (sku: string): number => grams.get(sku) ?? 0;
  const offers = [
    ...DEMO_PRODUCTS.map((product) => ({ ...product, grams: product.weightGrams })),
    ...DEMO_BUNDLES.map(({ components, ...bundle }) => ({
      ...bundle,
      grams: components.reduce((sum, { sku, quantity }) => sum + gramsOf(sku) * quantity, 0),
      stocked: true,
    })),
    ...DEMO_ALIASES.flatMap(({ alias, sku, multiplier, offered }) =>
      offered === null ? [] : [{ sku: alias, ...offered, grams: gramsOf(sku) * multiplier, stocked: true }],
    ),
  ];
  return offers.map(({ sku, name, priceMinor, grams: weight, stocked }, index) => ({
    sku,
    title: name,
    price: (priceMinor / 100).toFixed(2),
    grams: weight,
    inventoryItemId: String(FIRST_INVENTORY_ITEM + BigInt(index)),
    stocked,
  }));
}

/** Above 2^53, as Shopify's ids may be. */
const FIRST_INVENTORY_ITEM = 9_100_000_000_000_001n;

/** In the range 20–29 that GS1 leaves for use inside a company, so it collides with no real article. */
function demoGtin(number: number): string {
  const digits = `2000000${String(number).padStart(5, '0')}`;
  return `${digits}${gs1CheckDigit(digits)}`;
}
