import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shopifyOrderFromRest, shopifyOrdersOf } from '../../../connectors/channels/shopify';
import { parseExactJson } from '../../../contracts/exact-json';
import { itWithSharedData } from '../../support/shared-data';

const FIXTURES = 'shopify/fixtures/fixtures';
const read = (folder: string, file: string) => parseExactJson(readFileSync(join(folder, file), 'utf8'));

describe('Shopify payloads that nobody here wrote', () => {
  itWithSharedData(
    'every order becomes an order or has a named reason, and none is overlooked',
    FIXTURES,
    (folder) => {
      const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
      const results = files.flatMap((file) =>
        shopifyOrdersOf(read(folder, file)).map((payload) => ({ file, ...shopifyOrderFromRest(payload) })),
      );
      // Counted another way: a financial status is in no other kind of payload.
      const expected = files.flatMap((file) => [
        ...readFileSync(join(folder, file), 'utf8').matchAll(/"financial_status"/g),
      ]);
      expect(files).toHaveLength(100);
      expect(results).toHaveLength(expected.length);
      for (const { order, reason, externalId } of results) {
        expect(externalId).toMatch(/^\d+$/);
        expect(order !== null || /^\w+/.test(reason ?? '')).toBe(true);
      }
    },
  );

  itWithSharedData('the order of order.json is read to the cent', `${FIXTURES}/order.json`, (path) => {
    const [payload] = shopifyOrdersOf(parseExactJson(readFileSync(path, 'utf8')));
    expect(shopifyOrderFromRest(payload).order).toMatchObject({
      externalId: '450789469',
      externalNumber: '#1001',
      totalMinor: '40994',
      payment: 'authorised',
      requestedShippingMethod: 'Free Shipping',
      version: '2008-01-10T16:00:00.000Z/01',
      lines: [
        // Its one fulfilment failed, so all three are still to be sent.
        { sku: 'IPOD2008GREEN', quantity: 1, unitPriceMinor: '19900' },
        { sku: 'IPOD2008RED', quantity: 1 },
        { sku: 'IPOD2008BLACK', quantity: 1 },
      ],
    });
  });
});
