/** What the customer reads, as pure text from the rows of the order. Plain words, no markup to break. */
import type { NotificationFacts } from '../db/notification.repo';
import { formatMinor } from '../domain/money';

export const MAIL_EVENTS = ['order_confirmed', 'order_shipped', 'order_delivered'] as const;
export type MailEvent = (typeof MAIL_EVENTS)[number];

export interface MailText {
  readonly subject: string;
  readonly text: string;
}

export function isMailEvent(event: string): event is MailEvent {
  return (MAIL_EVENTS as readonly string[]).includes(event);
}

/** A shipped mail is about the parcels of one fulfilment order, which its key ends with. */
export function mailText(event: MailEvent, facts: NotificationFacts): MailText {
  const number = facts.orderNumber;
  const greeting = facts.customerName === null ? 'Hello,' : `Hello ${oneLine(facts.customerName)},`;
  const compose = (subject: string, body: readonly string[]): MailText => ({
    subject: oneLine(subject),
    text: [greeting, '', ...body, '', facts.merchantName, ''].join('\n'),
  });
  switch (event) {
    case 'order_confirmed':
      return compose(`Order ${number} is confirmed`, [
        `Thank you for your order ${number}. We have it and are getting it ready:`,
        '',
        ...items(facts.lines),
        '',
        `Total: ${formatMinor(facts.totalMinor, facts.currency)} ${facts.currency}`,
      ]);
    case 'order_shipped':
      return compose(`Order ${number} is on its way`, [
        `This has left our warehouse for your order ${number}:`,
        ...facts.parcels
          .filter((parcel) => facts.key.endsWith(`:${parcel.fulfilmentOrderId}`))
          .flatMap(parcelText),
      ]);
    case 'order_delivered':
      return compose(`Order ${number} was delivered`, [
        `The carrier says that your order ${number} was delivered.`,
        'If anything is missing or damaged, just answer this mail.',
      ]);
  }
}

function parcelText(parcel: NotificationFacts['parcels'][number]): string[] {
  const tracking =
    parcel.trackingNumber === null ? [] : [`Tracking: ${carrierName(parcel)} ${parcel.trackingNumber}`];
  return ['', ...items(parcel.lines), ...tracking];
}

function items(lines: NotificationFacts['lines']): string[] {
  return lines.map(({ quantity, title }) => `  ${quantity} × ${oneLine(title)}`);
}

function carrierName({ carrier }: { readonly carrier: string | null }): string {
  return carrier === null ? '' : carrier.toUpperCase();
}

/** A name or title comes from a shop's customer: no line of it may look like one of ours, or a header. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
