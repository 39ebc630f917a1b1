/**
 * The records of the simulated shop, in the shape of Shopify's REST resources as of 2026-10 (the subset
 * that an order for a warehouse needs), because webhooks carry exactly that. Ids are kept as text and
 * written as bare numbers, as Shopify writes them: beyond 2^53 on purpose, so that a reader that loses
 * digits is found out by the first order.
 */

export interface RestAddress {
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly name: string | null;
  readonly company: string | null;
  readonly address1: string | null;
  readonly address2: string | null;
  readonly city: string | null;
  readonly province: string | null;
  readonly province_code: string | null;
  readonly zip: string | null;
  readonly country: string | null;
  readonly country_code: string | null;
  readonly phone: string | null;
}

export interface RestLine {
  readonly id: string;
  readonly variant_id: string | null;
  readonly product_id: string | null;
  readonly sku: string | null;
  readonly title: string;
  readonly name: string;
  readonly quantity: number;
  readonly current_quantity: number;
  readonly fulfillable_quantity: number;
  readonly fulfillment_status: 'fulfilled' | 'partial' | null;
  readonly price: string;
  readonly requires_shipping: boolean;
  readonly gift_card: boolean;
  readonly grams: number;
}

export interface RestFulfillment {
  readonly id: string;
  readonly order_id: string;
  readonly status: 'success' | 'cancelled';
  readonly created_at: string;
  readonly location_id: string;
  readonly tracking_company: string | null;
  readonly tracking_number: string | null;
  readonly tracking_url: string | null;
  readonly line_items: readonly { readonly id: string; readonly quantity: number }[];
}

export interface RestOrder {
  readonly id: string;
  readonly admin_graphql_api_id: string;
  readonly name: string;
  readonly order_number: number;
  readonly created_at: string;
  readonly processed_at: string;
  readonly updated_at: string;
  readonly cancelled_at: string | null;
  readonly cancel_reason: string | null;
  readonly currency: string;
  readonly total_price: string;
  readonly current_total_price: string;
  readonly subtotal_price: string;
  readonly financial_status: 'pending' | 'authorized' | 'paid' | 'voided' | 'refunded';
  readonly fulfillment_status: 'fulfilled' | 'partial' | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly note: string | null;
  readonly tags: string;
  readonly note_attributes: readonly { readonly name: string; readonly value: string }[];
  readonly test: boolean;
  readonly customer: {
    readonly id: string;
    readonly email: string | null;
    readonly phone: string | null;
    readonly first_name: string | null;
    readonly last_name: string | null;
  } | null;
  readonly shipping_address: RestAddress | null;
  readonly shipping_lines: readonly {
    readonly id: string;
    readonly code: string;
    readonly title: string;
    readonly price: string;
  }[];
  readonly line_items: readonly RestLine[];
  readonly fulfillments: readonly RestFulfillment[];
  readonly refunds: readonly unknown[];
}

/** JSON of a record with its ids as bare numbers, whatever their size. */
export function restJson(record: unknown): string {
  return JSON.stringify(record).replace(/"(id|[a-z_]+_id)":"(\d+)"/g, '"$1":$2');
}

/** Shopify's times count whole seconds. */
export function restTime(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}
