import { uuidv7 } from 'uuidv7';
import { type CheckReport, runCheck } from '../../checks/check';
import type { PartnerUrls } from '../../checks/partner-journals';
import { receiveTracking } from '../../commands/receive-tracking';
import { required } from '../../config';
import { guardOutgoingCalls } from '../../connectors/http';
import { sealSecrets } from '../../db/sealed';
import { createGenericShop, type GenericShop } from '../../simulators/generic-shop';
import { eventually, startTestEngine, type TestEngine } from '../support/engine';
import { FloorPerson } from '../support/floor';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';

const SECRET = `whsec_${Buffer.alloc(24, 5).toString('base64')}`;

let engine: TestEngine;
let merchant: SeededMerchant;
let shop: GenericShop;
let partners: PartnerUrls;

beforeAll(async () => {
  shop = await createGenericShop({ receivingSecret: SECRET });
  engine = await startTestEngine();
  guardOutgoingCalls([shop.url, engine.easypost.url].map((url) => new URL(url).host));
  merchant = await seedMerchant(engine.database, { persons: 1, products: [{ sku: 'A', stock: 100 }] });
  const connectionId = uuidv7();
  const sealed = sealSecrets(required(engine.config, 'QUAYSIDE_ENCRYPTION_KEYS'), { signingSecret: SECRET });
  await engine.database.withMerchants([merchant.merchantId], (tx) =>
    tx.run({
      text: `insert into channel_connection (id, merchant_id, channel, name, base_url, credentials_sealed)
        values ($1, $2, 'generic', 'Demo shop', $3, $4)`,
      values: [connectionId, merchant.merchantId, `${shop.url}/events`, sealed],
    }),
  );
  merchant = { ...merchant, connectionId };
  const accountId = await engine.connectCarrier(merchant);
  partners = { easypost: engine.easypost.url, generic: shop.url, mail: engine.mail.url };
  await wholeOrder(accountId);
}, 90_000);
afterAll(async () => {
  await engine.close();
  await shop.close();
}, 60_000);

const rows = <T extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  engine.database.withMerchants([merchant.merchantId], (tx) => tx.rows<T>({ text, values }));

/** From the shop's order to the closed workflow, through worker, dispatcher, carrier, shop and mail. */
async function wholeOrder(carrierAccountId: string): Promise<void> {
  const placed = await placeOrder(engine.database, merchant, demoOrder([{ sku: 'A', quantity: 2 }]));
  const floor = new FloorPerson(engine, merchant);
  await floor.pick();
  const { parcelId } = await floor.pack();
  await floor.ship(parcelId);
  await eventually(
    async () =>
      (await rows("select from outbox where kind = 'channel.tracking' and state = 'done'")).length > 0,
    'the shop is told',
  );
  const [parcel] = await rows<{ tracking_number: string }>(
    'select tracking_number from parcel where id = $1',
    [parcelId],
  );
  await receiveTracking(engine.database, {
    carrierAccountId,
    source: 'webhook',
    facts: [
      {
        trackingNumber: parcel?.tracking_number as string,
        eventId: 'delivered',
        status: 'delivered',
        occurredAt: new Date(),
        message: '',
      },
    ],
  });
  expect(await engine.client.workflow.getHandle(placed.workflowId).result()).toEqual({ state: 'closed' });
  await eventually(
    async () => (await rows("select from notification where state = 'sent'")).length === 3,
    'three mails are sent',
  );
}

const broken = (report: CheckReport) =>
  Object.fromEntries(
    report.findings.filter(({ ok }) => !ok).map(({ invariant, detail }) => [invariant, detail.join('\n')]),
  );

test('after a whole order the partners know exactly what our rows say', async () => {
  const report = await runCheck(engine.urls.checkUrl, { partners });
  expect(broken(report)).toEqual({});
  const checked = Object.fromEntries(report.findings.map(({ invariant, checked: n }) => [invariant, n]));
  const alone = await runCheck(engine.urls.checkUrl);
  for (const invariant of ['4', '6'])
    expect(checked[invariant]).toBeGreaterThan(
      alone.findings.find((f) => f.invariant === invariant)?.checked ?? 0,
    );
});

describe('what a partner knows and we do not is named:', () => {
  const say = async (name: 'easypost' | 'generic' | 'mail', kind: string, fact: Record<string, unknown>) => {
    const simulator = { easypost: engine.easypost, generic: shop, mail: engine.mail }[name];
    simulator.journal.record(kind, fact);
    return broken(await runCheck(engine.urls.checkUrl, { partners }));
  };
  const sold = () => engine.easypost.journal.facts('label_bought')[0]?.fact as Record<string, string>;

  test('a label sold that no row knows of', async () => {
    const stray = { ...sold(), reference: 'stray:label:1', shipmentId: 'shp_stray', trackingCode: 'STRAY' };
    expect((await say('easypost', 'label_bought', stray))['4']).toContain(
      'stray:label:1: the carrier sold STRAY, and we know nothing',
    );
  });

  test('a second label for one reference, and a parcel with two that nobody gave back', async () => {
    const again: Record<string, string> = { ...sold(), shipmentId: 'shp_again', trackingCode: 'AGAIN' };
    const said = (await say('easypost', 'label_bought', again))['4'];
    expect(said).toContain(`the carrier sold two labels for ${again['reference']}`);
    expect(said).toContain('the carrier sold several labels and took none back');
  });

  test('a parcel told to the shop twice, and one that never left', async () => {
    const heard = shop.journal.facts('shipment_heard')[0]?.fact as Record<string, unknown>;
    expect((await say('generic', 'shipment_heard', { ...heard, webhookId: 'other' }))['6']).toContain(
      'the shop heard twice of',
    );
    expect((await say('generic', 'shipment_heard', { trackingNumber: 'GHOST' }))['6']).toContain(
      'told of GHOST, which never left',
    );
  });

  test('a second id of a mail for one fact, and a mail for none', async () => {
    const { messageId } = engine.mail.journal.facts('mail_received')[0]?.fact as { messageId: string };
    const twin = messageId.replace('@', '@other.');
    expect((await say('mail', 'mail_received', { messageId: twin }))['6']).toContain('two mails for order_');
    expect((await say('mail', 'mail_received', { messageId: '<nothing@quayside.example>' }))['6']).toContain(
      'for no fact of ours',
    );
  });
});

test('what our rows claim and the partner does not know is named', async () => {
  await engine.database.withMerchants([merchant.merchantId], async (tx) => {
    await tx.run({ text: "update label set tracking_number = 'NEVER'" });
    await tx.run({
      text: "update notification set message_id = '<never@quayside.example>' where event = 'order_delivered'",
    });
    await tx.run({ text: "update parcel set tracking_number = 'NEVER'" });
  });
  const said = broken(await runCheck(engine.urls.checkUrl, { partners }));
  expect(said['4']).toContain('our label NEVER was never sold');
  expect(said['6']).toContain('NEVER is told by our rows, and the shop never heard of it');
  expect(said['6']).toContain('is sent by our rows, and no mail arrived');
});

test('a partner that does not answer makes no report instead of half a one', async () => {
  await expect(
    runCheck(engine.urls.checkUrl, { partners: { ...partners, mail: 'http://127.0.0.1:1' } }),
  ).rejects.toThrow();
});
