/** Low-stock alerts from a change of stock to the inbox, the chat tool and the signed webhook. */
import { randomBytes, randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { putListings } from '../../commands/channels/change-listings';
import { adjustStock } from '../../commands/stock/adjust-stock';
import { addAlertRule } from '../../commands/watch/change-alert-rules';
import { evaluateAlerts } from '../../commands/watch/evaluate-alerts';
import { guardOutgoingCalls } from '../../connectors/http';
import { createMailSender } from '../../connectors/messaging/mail';
import { newAlertRuleSchema } from '../../contracts/stock-alerts';
import { sealSecrets } from '../../db/sealed';
import { bury } from '../../dispatcher/bury';
import { type Sender, startOutboxSender } from '../../dispatcher/outbox-sender';
import { mailNotificationSender } from '../../dispatcher/senders/mail';
import { besidesStockAlerts, stockAlertSender } from '../../dispatcher/senders/stock-alert';
import { webhookSender } from '../../dispatcher/senders/webhook';
import { startStockWatch } from '../../dispatcher/stock-watch';
import { type MailSimulator, startMailSimulator } from '../../simulators/mail';
import { createSimulatorServer, rawBodyOf, type Simulator } from '../../simulators/simulator-server';
import { rowsOf, warehouseOf } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type Engine, KEYS, outbox, quiet, startEngine, until } from './engine';

let engine: Engine;
let mail: MailSimulator;
let receiver: Simulator;
let outgoing: { close(): Promise<void> };
let chatAnswers: number[] = [];
const secret = `whsec_${randomBytes(24).toString('base64')}`;
const hooks: { headers: Record<string, string>; body: string }[] = [];
const chats: { path: string; text: string }[] = [];

beforeAll(async () => {
  engine = await startEngine();
  mail = await startMailSimulator();
  receiver = await createSimulatorServer({
    name: 'receiver',
    routes: (app) => {
      app.post('/hook', (req, res) => {
        const headers = req.headers as Record<string, string>;
        hooks.push({ headers, body: rawBodyOf(req).toString('utf8') });
        res.status(204).end();
      });
      app.post('/chat/:secret', (req, res) => {
        const status = chatAnswers.shift() ?? 200;
        const { text } = JSON.parse(rawBodyOf(req).toString('utf8')) as { text: string };
        if (status === 200) chats.push({ path: req.path, text });
        res.status(status).end();
      });
    },
  });
  guardOutgoingCalls([new URL(receiver.url).host]);
  const { database } = engine;
  const mailer = createMailSender({ url: mail.smtpUrl, timeoutMs: 1_000 });
  const alerts = stockAlertSender({ database, keys: KEYS, mailer, publicUrl: 'https://engine.example' });
  const never: Sender = () => new Promise(() => undefined);
  const soon = { delays: [30, 30], endless: false };
  outgoing = startOutboxSender({
    database,
    log: quiet,
    bury: (dead, note) => bury(database, dead, note),
    pollMs: 20,
    lanePauseMs: 10,
    schedules: { webhook: soon, mail: soon },
    senders: {
      'workflow.start': never,
      'workflow.signal': never,
      'workflow.update': never,
      'channel.tracking': never,
      mail: besidesStockAlerts(alerts, mailNotificationSender(database, mailer)),
      webhook: besidesStockAlerts(alerts, webhookSender({ database, keys: KEYS, timeoutMs: 1_000 })),
    },
  });
});
afterEach(() => {
  chatAnswers = [];
});
afterAll(async () => {
  await outgoing.close();
  await Promise.all([mail.close(), receiver.close()]);
  guardOutgoingCalls([]);
  await engine.close();
});

interface World {
  readonly merchant: SeededMerchant;
  readonly name: string;
}

/** A merchant with ten units and a rule that tells everybody. */
async function world(rule: Record<string, unknown> = {}): Promise<World> {
  const merchant = await seedMerchant(engine.database, { products: [{ sku: 'A', stock: 10 }] });
  const name = merchant.slug;
  await rowsOf(
    engine.database,
    merchant,
    'insert into webhook_endpoint (id, merchant_id, url, secrets_sealed) values ($1, $2, $3, $4) returning id',
    [randomUUID(), merchant.merchantId, `${receiver.url}/hook`, sealSecrets(KEYS, { now: secret })],
  );
  await addRule(merchant, rule);
  return { merchant, name };
}

async function addRule({ merchantId, slug: name }: SeededMerchant, rule: Record<string, unknown>) {
  const given = newAlertRuleSchema.parse({
    name: 'Running low',
    sku: 'A',
    limitKind: 'units',
    atMost: 5,
    clearAfterMinutes: 0,
    destinations: [
      { kind: 'mail', to: `${name}@merchant.example` },
      { kind: 'chat', url: `${receiver.url}/chat/${name}` },
    ],
    ...rule,
  });
  await engine.database.withMerchants([merchantId], (tx) =>
    addAlertRule(tx, KEYS, merchantId, given, { actor: 'test', requestId: null }),
  );
}

const change = ({ merchant }: World, delta: number) =>
  adjustStock(engine.database, {
    merchantId: merchant.merchantId,
    causeId: randomUUID(),
    kind: 'adjustment',
    warehouseId: warehouseOf(merchant).id,
    reason: 'test',
    actor: 'test',
    lines: [{ sku: 'A', locationCode: 'A-01-01', delta }],
  });

const look = ({ merchant }: World) => evaluateAlerts(engine.database, merchant.merchantId, null);

/** Messages of this world that arrived, once all of them were sent. */
async function told({ merchant, name }: World) {
  await until(async () => {
    const open = await outbox(
      engine,
      `merchant_id = '${merchant.merchantId}' and kind in ('mail', 'webhook') and state in ('pending', 'leased')`,
    );
    return open.length === 0;
  });
  const ids = new Set((await outbox(engine, `merchant_id = '${merchant.merchantId}'`)).map(({ id }) => id));
  return {
    mails: mail.inbox().filter((one) => one.to === `${name}@merchant.example`),
    chats: chats.filter(({ path }) => path.endsWith(name)).map(({ text }) => text),
    hooks: hooks.filter(({ headers }) => ids.has(headers['webhook-id'] as string)),
  };
}

test('an alert reaches inbox, chat and signed webhook once, however many look at it at once and again', async () => {
  const here = await world();
  const lookTogether = () => Promise.all(Array.from({ length: 8 }, () => look(here)));
  // Opens the connections, so that the next eight really meet.
  await lookTogether();
  await change(here, -6);
  const seen = await lookTogether();
  expect(seen.reduce((sum, { opened }) => sum + opened, 0)).toBe(1);
  await change(here, -1);
  expect(await look(here)).toEqual({ opened: 0, cleared: 0 });

  const { mails, chats: messages, hooks: signed } = await told(here);
  expect(mails.map(({ subject, deliveries }) => [subject, deliveries])).toEqual([
    ['Low stock: A, 4 units left', 1],
  ]);
  expect(mails[0]?.text).toContain('Draft an expedite purchase order: https://engine.example/follow-up/');
  expect(messages).toHaveLength(1);
  expect(messages[0]).toContain('Low stock: A, 4 units left');
  expect(signed).toHaveLength(1);
  const [hook] = signed;
  const verified = new Webhook(secret).verify(hook?.body ?? '', hook?.headers ?? {});
  expect(verified).toMatchObject({ type: 'stock.alert_opened', data: { sku: 'A', level: 4 } });
});

test('when stock is back everybody gets one all-clear, and the next shortage is a new alert', async () => {
  const here = await world();
  await change(here, -5);
  await look(here);
  await change(here, 20);
  const seen = await Promise.all([look(here), look(here), look(here)]);
  expect(seen.reduce((sum, { cleared }) => sum + cleared, 0)).toBe(1);
  await change(here, -24);
  await look(here);
  const { mails, chats: messages, hooks: signed } = await told(here);
  expect(mails.map(({ subject }) => subject).sort()).toEqual([
    'All clear: A',
    'Low stock: A, 1 unit left',
    'Low stock: A, 5 units left',
  ]);
  expect(messages).toHaveLength(3);
  expect(signed.map(({ body }) => (JSON.parse(body) as { type: string }).type).sort()).toEqual([
    'stock.alert_cleared',
    'stock.alert_opened',
    'stock.alert_opened',
  ]);
});

test('stock that goes up and down around the limit is one alert, cleared once it has stayed well', async () => {
  const here = await world({ clearAfterMinutes: 30 });
  const clock = (minute: number) =>
    rowsOf(engine.database, here.merchant, 'update merchant set business_now = $1 returning id', [
      new Date(Date.UTC(2026, 2, 3, 12, minute)),
    ]);
  await clock(0);
  await change(here, -5);
  await look(here);
  for (const minute of [5, 10, 15, 20]) {
    await clock(minute);
    await change(here, 2);
    await look(here);
    await change(here, -2);
    await look(here);
  }
  await change(here, 2);
  await look(here);
  await clock(49);
  expect(await look(here)).toEqual({ opened: 0, cleared: 0 });
  await clock(50);
  expect(await look(here)).toEqual({ opened: 0, cleared: 1 });
  expect((await told(here)).mails.map(({ subject }) => subject)).toEqual([
    'Low stock: A, 5 units left',
    'All clear: A',
  ]);
});

test('two running watchers tell of a change once, and one goes on when the other is gone', async () => {
  const here = await world();
  const options = { database: engine.database, log: quiet, intervalMs: 20, leaseMs: 1_000 };
  const watchers = [startStockWatch(options), startStockWatch(options)];
  try {
    await change(here, -7);
    await until(async () => (await told(here)).mails.length > 0);
    await watchers[0]?.close();
    await change(here, 30);
    await until(async () => (await told(here)).mails.length > 1);
    expect((await told(here)).mails.map(({ subject }) => subject)).toEqual([
      'Low stock: A, 3 units left',
      'All clear: A',
    ]);
    expect((await told(here)).hooks).toHaveLength(2);
  } finally {
    await Promise.all(watchers.map((watcher) => watcher.close()));
  }
});

test('a chat tool that is away gets the message later, one that refuses is reported without its secret', async () => {
  const here = await world({ destinations: [{ kind: 'chat', url: `${receiver.url}/chat/away-and-back` }] });
  chatAnswers = [503];
  await change(here, -6);
  await look(here);
  await told(here);
  expect(chats.filter(({ path }) => path.endsWith('away-and-back'))).toHaveLength(1);

  const refused = await world({ destinations: [{ kind: 'chat', url: `${receiver.url}/chat/topsecret` }] });
  chatAnswers = [404];
  await change(refused, -6);
  await look(refused);
  await told(refused);
  const exceptions = await rowsOf<{ message: string }>(
    engine.database,
    refused.merchant,
    "select message from exception where reason = 'outbox_dead'",
  );
  expect(exceptions).toHaveLength(1);
  expect(JSON.stringify([exceptions, await outbox(engine)])).not.toContain('topsecret');
});

test('a rule that is gone tells nobody any more', async () => {
  const here = await world();
  await change(here, -6);
  await rowsOf(engine.database, here.merchant, 'update stock_alert_rule set retired_at = now() returning id');
  expect(await look(here)).toEqual({ opened: 0, cleared: 0 });
});

test('days of cover are measured by what shipped', async () => {
  const here = await world({ limitKind: 'days_of_cover', atMost: 4, windowDays: 7 });
  const { merchant } = here;
  // Nothing has shipped: ten units last for ever.
  expect(await look(here)).toEqual({ opened: 0, cleared: 0 });
  await change(here, -10);
  expect(await look(here)).toEqual({ opened: 1, cleared: 0 });
  const [row] = await rowsOf<{ level: number }>(engine.database, merchant, 'select level from stock_alert');
  expect(row).toEqual({ level: 0 });
});

test('a rule of a channel looks at what that channel is offered, not at what there is', async () => {
  const here = await world({ atMost: 0 });
  const { merchant } = here;
  const { merchantId } = merchant;
  for (const [sharePercent, atMost] of [
    [50, 5],
    [100, 5],
  ]) {
    const connectionId = randomUUID();
    await rowsOf(
      engine.database,
      merchant,
      "insert into channel_connection (id, merchant_id, channel, name) values ($1, $2, 'generic', $3) returning id",
      [connectionId, merchantId, `share ${sharePercent}`],
    );
    const listing = {
      sku: 'A',
      externalItemId: 'a',
      externalLocationId: '',
      units: 1,
      warehouseId: null,
      sharePercent,
    };
    await engine.database.withMerchants([merchantId], (tx) =>
      putListings(tx, merchantId, { connectionId, listings: [listing] }, { actor: 'test', requestId: null }),
    );
    await addRule(merchant, { connectionId, atMost });
  }
  expect(await look(here)).toEqual({ opened: 1, cleared: 0 });
  expect((await told(here)).mails.map(({ subject }) => subject)).toEqual([
    'Low stock: A on share 50, 5 units left',
  ]);
  const paused = await rowsOf(
    engine.database,
    merchant,
    'update channel_listing set paused = true returning id',
  );
  expect(paused).toHaveLength(2);
  expect(await look(here)).toEqual({ opened: 0, cleared: 0 });
});

test('a rule of a warehouse looks at that warehouse alone', async () => {
  const merchant = await seedMerchant(engine.database, {
    warehouses: [{ code: 'W1' }, { code: 'W2' }],
    products: [{ sku: 'A', stock: { W1: 30, W2: 2 } }],
  });
  for (const { id } of merchant.warehouses) await addRule(merchant, { warehouseId: id });
  await addRule(merchant, {});
  expect(await look({ merchant, name: merchant.slug })).toEqual({ opened: 1, cleared: 0 });
  const [alert] = await rowsOf<{ level: number }>(engine.database, merchant, 'select level from stock_alert');
  expect(alert).toEqual({ level: 2 });
});
