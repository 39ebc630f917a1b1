/** Fixed ids of the demo's things, made from their names: the same in every demo, so that a seed can be repeated. */
import { createHash } from 'node:crypto';

export interface DemoIds {
  readonly organisationId: string;
  readonly merchantId: string;
  readonly shopifyConnectionId: string;
  readonly genericConnectionId: string;
  readonly carrierAccountId: string;
}

/** A UUID of version 8 (RFC 9562, 5.8) made from a name: the same for every demo. */
export function demoId(name: string): string {
  const hex = createHash('sha256').update(`quayside demo: ${name}`).digest('hex').slice(0, 32).split('');
  hex[12] = '8';
  hex[16] = '8';
  return hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export const DEMO_IDS: DemoIds = {
  organisationId: demoId('organisation'),
  merchantId: demoId('merchant'),
  shopifyConnectionId: demoId('connection shopify'),
  genericConnectionId: demoId('connection generic'),
  carrierAccountId: demoId('carrier account'),
};

export const DEMO_MERCHANT_SLUG = 'demo-goods';

/** The demo's warehouses, by their codes. */
export const DEMO_WAREHOUSE_CODES = ['EAST', 'CENTRAL', 'WEST'] as const;

export function warehouseId(site: { readonly code: string }): string {
  return demoId(`warehouse ${site.code}`);
}

/** Enough hands that orders don't queue at two orders a second. */
const FLOOR_PEOPLE = 6;

export const DEMO_FLOOR_PEOPLE = Array.from({ length: FLOOR_PEOPLE }, (_, index) => ({
  id: demoId(`person floor ${index + 1}`),
  name: `Demo floor person ${index + 1}`,
}));
