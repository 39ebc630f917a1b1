/**
 * Messages to a customer: one row a fact, by its key. The text is made when it is sent, from the rows as
 * they are then, so that an erased person gets none and a corrected address is used.
 */
import type { Tx } from './client';

export interface NotificationFacts {
  readonly id: string;
  readonly event: string;
  readonly key: string;
  readonly state: string;
  readonly merchantName: string;
  readonly mailFrom: string;
  /** null when nobody left one, or the person was erased. */
  readonly email: string | null;
  readonly customerName: string | null;
  readonly orderNumber: string;
  readonly currency: string;
  readonly totalMinor: bigint;
  readonly test: boolean;
  readonly lines: readonly { readonly title: string; readonly quantity: number }[];
  readonly parcels: readonly {
    readonly fulfilmentOrderId: string;
    readonly carrier: string | null;
    readonly trackingNumber: string | null;
    readonly lines: readonly { readonly title: string; readonly quantity: number }[];
  }[];
}

/** Everything a mail may say; null when there is no such notification. */
export async function readNotification(
  tx: Tx,
  merchantId: string,
  notificationId: string,
): Promise<NotificationFacts | null> {
  const [row] = await tx.rows<NotificationFacts>({
    name: 'notification-facts',
    text: `
select n.id, n.event, n.key, n.state, m.name as "merchantName", m.mail_from as "mailFrom",
  nullif(coalesce(c.email, a.email), '') as email, coalesce(a.name, c.name) as "customerName",
  coalesce(o.external_number, o.external_id) as "orderNumber", o.currency, o.total_minor as "totalMinor", o.test,
  (select coalesce(json_agg(json_build_object('title', l.title, 'quantity', l.quantity - l.cancelled_quantity) order by l.line_no), '[]')
    from sales_order_line l where l.merchant_id = o.merchant_id and l.order_id = o.id and l.quantity > l.cancelled_quantity) as lines,
  (select coalesce(json_agg(json_build_object('fulfilmentOrderId', p.fulfilment_order_id, 'carrier', p.carrier, 'trackingNumber', p.tracking_number,
      'lines', (select coalesce(json_agg(json_build_object('title', d.name, 'quantity', i.quantity) order by d.sku), '[]')
        from parcel_line i join product d on d.merchant_id = i.merchant_id and d.id = i.product_id
        where i.merchant_id = p.merchant_id and i.parcel_id = p.id)) order by p.shipped_at, p.id), '[]')
    from parcel p where p.merchant_id = o.merchant_id and p.order_id = o.id and p.shipped_at is not null) as parcels
from notification n
join merchant m on m.id = n.merchant_id
join sales_order o on o.merchant_id = n.merchant_id and o.id = n.order_id
left join customer c on c.merchant_id = o.merchant_id and c.id = o.customer_id
left join order_address a on a.merchant_id = o.merchant_id and a.order_id = o.id and a.version = o.address_version
where n.merchant_id = $1 and n.id = $2`,
    values: [merchantId, notificationId],
  });
  return row ?? null;
}

/** Writes how it ended; a notification that was sent stays sent. */
export async function endNotification(
  tx: Tx,
  merchantId: string,
  notificationId: string,
  end: { readonly state: 'sent' | 'failed' | 'skipped'; readonly messageId?: string },
): Promise<void> {
  await tx.run({
    text: `update notification set state = $3, message_id = coalesce($4, message_id),
        sent_at = case when $3 = 'sent' then now() else sent_at end
      where merchant_id = $1 and id = $2 and state <> 'sent'`,
    values: [merchantId, notificationId, end.state, end.messageId ?? null],
  });
}
