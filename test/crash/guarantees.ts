/**
 * What must hold when the dust has settled, each looked up where it can be seen from outside: in the
 * file, in what doors were answered, in Temporal's list of workflows, in the journals of carrier, mail
 * server and receiver. `quayside check` then reads the books themselves. A guarantee says how much it
 * looked at; one that looked at nothing has shown nothing and fails.
 */
import type { Tx } from '../../db/client';
import { orderBusinessKey } from '../../domain/ids';
import { DEMO_IDS } from '../../simulators/demo-ids';
import type { CrashEngine } from './crash-engine';
import type { DoorName, Doors } from './doors';
import type { Receiver } from './receiver';
import type { CrashMerchant } from './shop-floor';

export interface Guarantee {
  readonly name: string;
  /** How much was looked at, in words. */
  readonly seen: string;
  /** What is wrong, in words; empty when it holds. */
  readonly faults: readonly string[];
}

export interface Evidence {
  readonly engine: CrashEngine;
  readonly merchant: CrashMerchant;
  readonly doors: Doors;
  readonly receiver: Receiver;
}

interface OrderRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly connection_id: string;
  readonly channel: DoorName;
  readonly external_id: string;
  readonly state: string;
  readonly blocked_reason: string | null;
  /** Whether an exception of that reason is open. */
  readonly asked: boolean;
}

const LEFT = `('shipped', 'in_transit', 'out_for_delivery', 'delivered', 'delivery_failed', 'returned_to_sender', 'lost', 'damaged')`;

const LOOKS: readonly ((evidence: Evidence, orders: readonly OrderRow[]) => Promise<Guarantee>)[] = [
  async (evidence, orders) => placedOnce(evidence, orders),
  oneWorkflow,
  oneLabel,
  notOversold,
  oneMail,
  oneWebhook,
  async (_evidence, orders) => endedOrWaiting(orders),
  checkClean,
];

export async function lookAtGuarantees(evidence: Evidence): Promise<Guarantee[]> {
  const orders = await rows<OrderRow>(
    evidence,
    `select o.id, o.merchant_id, o.connection_id, c.channel, o.external_id, o.state, o.blocked_reason,
       exists (select from exception e where e.merchant_id = o.merchant_id and e.order_id = o.id
         and e.reason = o.blocked_reason and e.state <> 'resolved') as asked
     from sales_order o join channel_connection c on c.merchant_id = o.merchant_id and c.id = o.connection_id`,
  );
  const found: Guarantee[] = [];
  for (const look of LOOKS) found.push(await look(evidence, orders));
  return found;
}

function rows<Row extends object>({ engine }: Evidence, text: string, values: readonly unknown[] = []) {
  return engine.reader.withSystem((tx: Tx) => tx.rows<Row & Record<string, unknown>>({ text, values }));
}

function guarantee(name: string, looked: number, seen: string, faults: readonly string[]): Guarantee {
  return { name, seen, faults: looked > 0 ? faults : [...faults, 'there was nothing to look at'] };
}

/** Those that occur more than once. */
function repeated(items: readonly string[]): string[] {
  return [...new Set(items.filter((item, index) => items.indexOf(item) !== index))];
}

function placedOnce({ doors, merchant }: Evidence, orders: readonly OrderRow[]): Guarantee {
  const faults: string[] = [];
  const seen: string[] = [];
  let placed = 0;
  for (const [door, wanted] of Object.entries(doors.placed) as [DoorName, Set<string>][]) {
    const of = door === 'shopify' ? DEMO_IDS.merchantId : merchant.merchantId;
    const got = orders.filter((row) => row.channel === door && row.merchant_id === of);
    const ids = got.map((row) => row.external_id);
    const there = new Set(ids);
    for (const id of wanted) if (!there.has(id)) faults.push(`${door} ${id} was answered and is lost`);
    for (const id of there) if (!wanted.has(id)) faults.push(`${door} ${id} was never placed`);
    for (const id of repeated(ids)) faults.push(`${door} ${id} is there more than once`);
    seen.push(`${wanted.size} by ${door}`);
    placed += wanted.size;
  }
  return guarantee('no order lost or doubled', placed, seen.join(', '), faults);
}

async function oneWorkflow({ engine }: Evidence, orders: readonly OrderRow[]): Promise<Guarantee> {
  const runs: string[] = [];
  for await (const { workflowId } of engine.temporal.workflow.list({
    query: `WorkflowType = 'orderWorkflow'`,
  }))
    runs.push(workflowId);
  const started = new Set(runs);
  const wanted = new Set(
    orders.map((row) => orderBusinessKey(row.merchant_id, row.connection_id, row.external_id)),
  );
  const faults = [
    ...[...wanted].filter((id) => !started.has(id)).map((id) => `${id} was never started`),
    ...[...started].filter((id) => !wanted.has(id)).map((id) => `${id} runs for no order`),
    ...repeated(runs).map((id) => `${id} ran more than once`),
  ];
  return guarantee('one workflow an order', runs.length, `${runs.length} workflows`, faults);
}

async function oneLabel(evidence: Evidence): Promise<Guarantee> {
  const { carrier = '' } = evidence.engine.running.simulators;
  const facts = await journal(carrier);
  const returned = new Set(
    facts.filter(({ kind }) => kind === 'refund_requested').map(({ fact }) => fact['shipmentId']),
  );
  const bought = facts.filter(({ kind }) => kind === 'label_bought').map(({ fact }) => fact);
  const kept = bought.filter((fact) => !returned.has(fact['shipmentId']));
  const parcelOf = (fact: Readonly<Record<string, unknown>>) =>
    String(fact['reference']).split(':label:')[0] ?? '';
  const labelled = new Map(kept.map((fact) => [parcelOf(fact), String(fact['trackingCode'])]));
  const parcels = await rows<{ id: string; tracking_number: string | null; gone: boolean }>(
    evidence,
    `select id, tracking_number, state in ${LEFT} as gone from parcel where state <> 'cancelled'`,
  );
  const known = new Set(parcels.map(({ id }) => id));
  const faults = [
    ...repeated(kept.map(parcelOf)).map((id) => `parcel ${id} has several paid labels`),
    ...repeated(bought.map((fact) => String(fact['reference']))).map(
      (reference) => `${reference} was bought twice`,
    ),
    ...[...labelled.keys()]
      .filter((id) => !known.has(id))
      .map((id) => `a label for ${id}, which is no parcel`),
    ...parcels
      .filter(({ id, tracking_number, gone }) => gone && labelled.get(id) !== tracking_number)
      .map(
        ({ id, tracking_number }) =>
          `parcel ${id} left with ${tracking_number}, sold was ${labelled.get(id)}`,
      ),
  ];
  return guarantee(
    'one paid label a parcel',
    bought.length,
    `${bought.length} labels, ${parcels.length} parcels`,
    faults,
  );
}

async function notOversold(evidence: Evidence): Promise<Guarantee> {
  const { merchant } = evidence;
  const sold = await rows<{ sku: string; units: number; written_off: number }>(
    evidence,
    `select d.sku,
       (select coalesce(sum(l.quantity), 0)::integer from parcel_line l join parcel p on p.merchant_id = l.merchant_id and p.id = l.parcel_id
         where l.merchant_id = d.merchant_id and l.product_id = d.id and p.state in ${LEFT}) as units,
       (select coalesce(sum(abs(r.quantity)), 0)::integer from replay_line r
         where r.merchant_id = d.merchant_id and r.sku = d.sku and r.kind = 'write_off') as written_off
     from product d where d.merchant_id = $1`,
    [merchant.merchantId],
  );
  const faults = sold
    .filter(({ sku, units }) => units > (merchant.openingUnits.get(sku) ?? 0))
    .map(({ sku, units }) => `${units} of ${sku} left, ${merchant.openingUnits.get(sku) ?? 0} were there`);
  const units = sold.reduce((sum, row) => sum + row.units, 0);
  const scarce = sold.filter(({ sku }) => merchant.scarce.has(sku));
  const all = scarce.filter(
    (row) => row.units + row.written_off >= (merchant.openingUnits.get(row.sku) ?? 0),
  );
  return guarantee(
    'nothing oversold',
    units,
    `${units} units left; of ${scarce.length} scarce goods ${all.length} to the last one`,
    faults,
  );
}

async function oneMail(evidence: Evidence): Promise<Guarantee> {
  const { mail = '' } = evidence.engine.running.simulators;
  const { mails } = (await read(`${mail}/inbox`)) as {
    mails: { messageId: string; to: string; subject: string; text: string; deliveries: number }[];
  };
  const byFact = new Map<string, Set<string>>();
  for (const { messageId, to, subject, text } of mails) {
    const fact = `${subject} to ${to}\n${text}`;
    byFact.set(fact, (byFact.get(fact) ?? new Set()).add(messageId));
  }
  const faults = [...byFact]
    .filter(([, ids]) => ids.size > 1)
    .map(([fact, ids]) => `"${fact.split('\n')[0]}" came under ${ids.size} ids`);
  const unsent = await rows<{ key: string; state: string }>(
    evidence,
    `select key, state from notification where state not in ('sent', 'skipped')`,
  );
  faults.push(...unsent.map(({ key, state }) => `${key} is ${state}`));
  const unconfirmed = await rows<{ external_id: string }>(
    evidence,
    `select o.external_id from sales_order o join customer c on c.merchant_id = o.merchant_id and c.id = o.customer_id
     where c.email is not null and not exists (select from notification n where n.merchant_id = o.merchant_id
       and n.order_id = o.id and n.event = 'order_confirmed' and n.state = 'sent')`,
  );
  faults.push(...unconfirmed.map(({ external_id }) => `order ${external_id} was never confirmed`));
  const again = mails.filter(({ deliveries }) => deliveries > 1).length;
  return guarantee(
    'one id a mail',
    mails.length,
    `${mails.length} mails, ${again} of them sent again`,
    faults,
  );
}

async function oneWebhook(evidence: Evidence): Promise<Guarantee> {
  const { receiver, merchant } = evidence;
  const ids = new Map<string, Set<string>>();
  for (const { id, fact } of receiver.deliveries) ids.set(fact, (ids.get(fact) ?? new Set()).add(id));
  const shipped = await rows<{ id: string }>(
    evidence,
    'select fulfilment_order_id as id from shipment where merchant_id = $1',
    [merchant.merchantId],
  );
  const facts = new Set(shipped.map(({ id }) => `order.shipped ${id}`));
  const faults = [
    ...[...ids]
      .filter(([, some]) => some.size > 1)
      .map(([fact, some]) => `${fact} came under ${some.size} ids`),
    ...[...facts].filter((fact) => !ids.has(fact)).map((fact) => `${fact} was never told`),
    ...[...ids.keys()]
      .filter((fact) => !facts.has(fact))
      .map((fact) => `${fact} was told and never happened`),
    ...(receiver.refused() > 0 ? [`${receiver.refused()} were signed wrongly`] : []),
  ];
  const again = receiver.deliveries.length - ids.size;
  return guarantee('one id a webhook', ids.size, `${ids.size} facts, ${again} deliveries repeated`, faults);
}

function endedOrWaiting(orders: readonly OrderRow[]): Guarantee {
  const ended = (row: OrderRow) => ['closed', 'cancelled'].includes(row.state);
  const waiting = orders.filter((row) => !ended(row) && row.blocked_reason !== null && row.asked);
  const faults = orders
    .filter((row) => !ended(row) && !waiting.includes(row))
    .map(
      (row) =>
        `order ${row.id} (${row.channel} ${row.external_id}) is ${row.state}, waits for ${row.blocked_reason}`,
    );
  const reasons = new Map<string, number>();
  for (const { blocked_reason } of waiting)
    reasons.set(blocked_reason ?? '', (reasons.get(blocked_reason ?? '') ?? 0) + 1);
  const named = [...reasons].map(([reason, n]) => `${reason} ${n}`).join(', ');
  const seen = `${orders.filter(ended).length} ended, ${waiting.length} wait${named === '' ? '' : `: ${named}`}`;
  return guarantee('every order ended, or waits with a named reason', orders.length, seen, faults);
}

async function checkClean({ engine }: Evidence): Promise<Guarantee> {
  const { code, stdout, stderr } = await engine.check();
  const name = '`quayside check` clean';
  let report: { findings: { invariant: string; name: string; status: string; detail: string[] }[] };
  try {
    report = JSON.parse(stdout) as typeof report;
  } catch {
    return { name, seen: `exit code ${code}`, faults: [stderr.slice(-1_000)] };
  }
  const broken = report.findings.filter(({ status }) => status === 'broken');
  const held = report.findings.filter(({ status }) => status === 'held').length;
  const faults = broken.flatMap((one) => one.detail.map((each) => `${one.invariant} ${one.name}: ${each}`));
  return guarantee(
    name,
    held,
    `${held} invariants hold`,
    code === 0 ? faults : [...faults, `exit code ${code}`],
  );
}

interface Fact {
  readonly kind: string;
  readonly fact: Readonly<Record<string, unknown>>;
}

async function journal(origin: string): Promise<readonly Fact[]> {
  return ((await read(`${origin}/__journal`)) as { facts: Fact[] }).facts;
}

async function read(url: string): Promise<unknown> {
  const answer = await fetch(url, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(30_000),
  });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.json();
}
