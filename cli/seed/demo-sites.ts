/** The demo merchant's warehouses, cartons, shipping methods and people. Cities and ZIP codes are real, for distances; streets and people are visibly not. */
import type { DEMO_WAREHOUSE_CODES } from '../../simulators/demo-ids';

export interface DemoWarehouse {
  readonly code: (typeof DEMO_WAREHOUSE_CODES)[number];
  readonly name: string;
  readonly timeZone: string;
  readonly line1: string;
  readonly city: string;
  readonly region: string;
  readonly postalCode: string;
  readonly phone: string;
}

export const DEMO_WAREHOUSES: readonly DemoWarehouse[] = [
  {
    code: 'EAST',
    name: 'Demo warehouse East',
    timeZone: 'America/New_York',
    line1: '1 Demo Dock Road',
    city: 'Newark',
    region: 'NJ',
    postalCode: '07114',
    phone: '+1 202 555 0101',
  },
  {
    code: 'CENTRAL',
    name: 'Demo warehouse Central',
    timeZone: 'America/Chicago',
    line1: '2 Demo Dock Road',
    city: 'Memphis',
    region: 'TN',
    postalCode: '38118',
    phone: '+1 202 555 0102',
  },
  {
    code: 'WEST',
    name: 'Demo warehouse West',
    timeZone: 'America/Los_Angeles',
    line1: '3 Demo Dock Road',
    city: 'Reno',
    region: 'NV',
    postalCode: '89506',
    phone: '+1 202 555 0103',
  },
];

export interface DemoLocation {
  readonly code: string;
  readonly zone: string;
  readonly kind: 'bin' | 'dock' | 'staging' | 'packing' | 'quarantine' | 'damaged';
  readonly aisle?: number;
  readonly bay?: number;
  readonly level?: number;
}

const AISLES = ['A', 'B', 'C'] as const;
const BAYS = 12;
const LEVELS = 2;

/** The places of one warehouse: a block of three aisles, and what surrounds it. */
export const DEMO_LOCATIONS: readonly DemoLocation[] = [
  ...AISLES.flatMap((letter, aisle) =>
    Array.from({ length: BAYS * LEVELS }, (_, index) => {
      const bay = Math.floor(index / LEVELS) + 1;
      const level = (index % LEVELS) + 1;
      return {
        code: `${letter}-${String(bay).padStart(2, '0')}-${level}`,
        zone: 'PICK',
        kind: 'bin' as const,
        aisle: aisle + 1,
        bay,
        level,
      };
    }),
  ),
  { code: 'DOCK-1', zone: 'INBOUND', kind: 'dock' },
  { code: 'PACK-1', zone: 'OUTBOUND', kind: 'packing' },
  { code: 'PACK-2', zone: 'OUTBOUND', kind: 'packing' },
  { code: 'STAGE-1', zone: 'OUTBOUND', kind: 'staging' },
  { code: 'QUARANTINE-1', zone: 'QUALITY', kind: 'quarantine' },
  { code: 'DAMAGED-1', zone: 'QUALITY', kind: 'damaged' },
];

/** Bins in the order in which goods are put into them. */
export const DEMO_BINS: readonly string[] = DEMO_LOCATIONS.filter(({ kind }) => kind === 'bin').map(
  ({ code }) => code,
);

export interface DemoCarton {
  readonly code: string;
  readonly sidesMm: readonly [number, number, number];
  readonly tareGrams: number;
  readonly maxGrams: number;
  readonly costMinor: number;
}

export const DEMO_CARTONS: readonly DemoCarton[] = [
  { code: 'MAILER', sidesMm: [380, 300, 40], tareGrams: 40, maxGrams: 2_000, costMinor: 22 },
  { code: 'BOX-S', sidesMm: [250, 200, 150], tareGrams: 110, maxGrams: 8_000, costMinor: 45 },
  { code: 'BOX-M', sidesMm: [400, 300, 250], tareGrams: 240, maxGrams: 20_000, costMinor: 80 },
  { code: 'BOX-L', sidesMm: [600, 400, 400], tareGrams: 520, maxGrams: 30_000, costMinor: 145 },
];

/** The shop's shipping methods by their code and by their title, and orders that name none. */
export const DEMO_SHIPPING_METHODS = [
  { methods: ['', 'standard', 'Standard (demo)'], serviceLevel: 'standard', services: [], maxDays: null },
  {
    methods: ['expedited', 'Expedited (demo)'],
    serviceLevel: 'expedited',
    services: ['usps_priority', 'ups_2nd_day_air'],
    maxDays: 2,
  },
] as const;
