/**
 * What partners know to have happened, against what our rows say: the two can only differ when something
 * happened twice, or happened and was forgotten. The simulators answer it at `/__journal`. The engine may
 * be at work meanwhile, so a journal is read before our snapshot and again after it: what a partner knew
 * before, we must know; what we know, it must know after. A purchase whose answer we never got is in
 * doubt, not wrong, as long as our label says so.
 */
import type { Tx } from '../db/client';
import { EXAMPLES, type Looked, together } from './invariant';

/** A journal of a long chaos run is some megabytes from this machine. */
const TIMEOUT_MS = 20_000;

/** Origins of the partners' simulators; what is left out is not asked. */
export interface PartnerUrls {
  readonly easypost?: string;
  readonly shopify?: string;
  readonly generic?: string;
  readonly mail?: string;
}

interface Fact {
  readonly kind: string;
  readonly fact: Readonly<Record<string, unknown>>;
}

type Journals = { readonly [Name in keyof PartnerUrls]: readonly Fact[] };

/** @throws when a partner does not answer: then nothing can be said. */
export async function readJournals(urls: PartnerUrls): Promise<Journals> {
  const read = async ([name, url]: [string, string]) => {
    const answer = await fetch(`${url.replace(/\/$/, '')}/__journal`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!answer.ok) throw new Error(`the journal of ${name} answered ${answer.status}`);
    return [name, ((await answer.json()) as { facts: Fact[] }).facts] as const;
  };
  return Object.fromEntries(await Promise.all(Object.entries(urls).map(read)));
}

export interface BothJournals {
  readonly urls: PartnerUrls;
  readonly before: Journals;
  readonly after: Journals;
}

const factsOf = (facts: readonly Fact[] | undefined, kind: string) =>
  (facts ?? []).filter((each) => each.kind === kind).map(({ fact }) => fact as Record<string, string>);

const looked = (checked: number, faults: readonly string[]): Looked => ({
  checked,
  faults: faults.length,
  examples: faults.slice(0, EXAMPLES),
});

const repeated = (items: readonly string[]) => [
  ...new Set(items.filter((item, index) => items.indexOf(item) < index)),
];

/** Invariants 4 and 5 as the carrier sees them: one label a reference, none that we don't know of. */
export async function lookAtCarrier(tx: Tx, { urls, before, after }: BothJournals): Promise<Looked> {
  const labels = await tx.rows<{
    step_key: string;
    state: string;
    tracking_number: string | null;
    amount: string | null;
  }>({
    text: 'select step_key, state, tracking_number, amount_minor::text as amount from label',
  });
  const ours = new Map(labels.map((label) => [label.step_key, label]));
  const bought = factsOf(before.easypost, 'label_bought');
  const faults = repeated(bought.map((fact) => fact['reference'] as string)).map(
    (reference) => `the carrier sold two labels for ${reference}`,
  );
  for (const fact of bought) {
    const label = ours.get(fact['reference'] as string);
    const sold = `${fact['reference']}: the carrier sold ${fact['trackingCode']}`;
    if (label === undefined) faults.push(`${sold}, and we know nothing of it`);
    else if (label.state === 'failed') faults.push(`${sold}, our label says that it failed`);
    else if (['claimed', 'unknown'].includes(label.state)) continue;
    else if (label.tracking_number !== fact['trackingCode'])
      faults.push(`${sold}, our label has ${label.tracking_number}`);
    else if (label.amount !== fact['amountMinor'])
      faults.push(`${sold} for ${fact['amountMinor']}, our label says ${label.amount}`);
  }
  faults.push(...liveAtCarrier(bought, factsOf(before.easypost, 'refund_requested')));
  const sold = new Set(factsOf(after.easypost, 'label_bought').map((fact) => fact['trackingCode']));
  const known = await tx.rows<{ step_key: string; tracking_number: string }>({
    text: `select l.step_key, l.tracking_number from label l join carrier_account a on a.id = l.carrier_account_id
      where l.tracking_number is not null and starts_with(a.base_url, $1)`,
    values: [urls.easypost],
  });
  for (const { step_key, tracking_number } of known)
    if (!sold.has(tracking_number)) faults.push(`${step_key}: our label ${tracking_number} was never sold`);
  return looked(bought.length + known.length, faults);
}

/** Labels of one parcel that were bought and not given back. */
function liveAtCarrier(
  bought: readonly Record<string, string>[],
  refunds: readonly Record<string, string>[],
): string[] {
  const returned = new Set(refunds.map((fact) => fact['shipmentId']));
  const kept = bought
    .filter((fact) => !returned.has(fact['shipmentId']))
    .map((fact) => (fact['reference'] as string).split(':label:')[0] as string);
  return repeated(kept).map(
    (parcel) => `parcel ${parcel}: the carrier sold several labels and took none back`,
  );
}

/** Invariant 6 as the channels see it: a parcel is told once, and none that never left. */
export async function lookAtChannels(tx: Tx, { urls, before, after }: BothJournals): Promise<Looked> {
  const told = factsOf(before.shopify, 'fulfilment_created');
  const heard = factsOf(before.generic, 'shipment_heard');
  // One parcel may become several fulfilments (one a location), but a line of it only one.
  const lineTold = told.flatMap((fact) =>
    ((fact['lines'] ?? []) as unknown as { id: string | number }[]).map(
      ({ id }) => `${fact['trackingNumber']} line ${id}`,
    ),
  );
  const faults = [
    ...repeated(lineTold).map((line) => `the shop was told twice of ${line}`),
    ...repeated(heard.map((fact) => fact['trackingNumber'] as string)).map(
      (code) => `the shop heard twice of ${code}`,
    ),
  ];
  const codes = [...told, ...heard].flatMap((fact) => fact['trackingNumber'] ?? []);
  const left = await tx.rows<{ code: string }>({
    text: `select tracking_number as code from parcel where tracking_number = any($1::text[]) and shipped_at is not null`,
    values: [codes],
  });
  const known = new Set(left.map(({ code }) => code));
  for (const code of new Set(codes))
    if (!known.has(code)) faults.push(`a shop was told of ${code}, which never left`);
  const done = await tx.rows<{ code: string }>({
    text: `
select p.tracking_number as code from outbox b
join parcel p on p.merchant_id = b.merchant_id and p.id::text = b.payload ->> 'parcelId'
join channel_connection k on k.merchant_id = b.merchant_id and k.id::text = b.lane
where b.kind = 'channel.tracking' and b.state = 'done' and b.last_error is null
  and exists (select from unnest($1::text[]) as url where starts_with(k.base_url, url))`,
    values: [[urls.shopify, urls.generic].filter((url) => url !== undefined)],
  });
  const arrived = new Set(
    [...factsOf(after.shopify, 'fulfilment_created'), ...factsOf(after.generic, 'shipment_heard')].map(
      (fact) => fact['trackingNumber'],
    ),
  );
  for (const { code } of done)
    if (!arrived.has(code)) faults.push(`${code} is told by our rows, and the shop never heard of it`);
  return looked(codes.length + done.length, faults);
}

/** Invariant 6 as the mail server sees it: one id a fact, and none without a fact. */
export async function lookAtMail(tx: Tx, { before, after }: BothJournals): Promise<Looked> {
  const received = new Set(factsOf(before.mail, 'mail_received').map((fact) => fact['messageId'] as string));
  const rows = await tx.rows<{ key: string; state: string; message_id: string | null }>({
    text: 'select key, state, message_id from notification',
  });
  const keys = new Set(rows.map(({ key }) => key));
  const factOf = (messageId: string) => leftPart(messageId);
  const faults = repeated([...received].map(factOf)).map((key) => `two mails for ${key}`);
  for (const messageId of received)
    if (!keys.has(factOf(messageId))) faults.push(`a mail ${messageId} for no fact of ours`);
  const arrived = new Set(factsOf(after.mail, 'mail_received').map((fact) => fact['messageId']));
  const sent = rows.filter(({ state }) => state === 'sent');
  for (const { key, message_id } of sent)
    if (message_id === null || !arrived.has(message_id))
      faults.push(`${key} is sent by our rows, and no mail arrived`);
  return looked(received.size + sent.length, faults);
}

/** The notification's key in a Message-ID, where other characters are written as = and two hex digits. */
function leftPart(messageId: string): string {
  const left = /^<?([^@]+)@/.exec(messageId)?.[1] ?? messageId;
  const bytes = left.replace(/=([0-9A-F]{2})/g, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** All partners that were asked, by the invariant they speak to. */
export async function lookAtPartners(tx: Tx, journals: BothJournals): Promise<ReadonlyMap<string, Looked>> {
  const { urls } = journals;
  const found = new Map<string, Looked>();
  if (urls.easypost !== undefined) found.set('4', await lookAtCarrier(tx, journals));
  const told = [
    ...(urls.shopify === undefined && urls.generic === undefined ? [] : [await lookAtChannels(tx, journals)]),
    ...(urls.mail === undefined ? [] : [await lookAtMail(tx, journals)]),
  ];
  if (told.length > 0) found.set('6', together(told));
  return found;
}
