/** Carriers' verdicts on addresses, by a digest of the place. */
import type { Tx } from './client';
import type { CarrierAddressRow } from './label-claim.repo';

/** The order's present ship-to; null when there is no such order. */
export async function readAddressToCheck(
  tx: Tx,
  merchantId: string,
  orderId: string,
): Promise<CarrierAddressRow | null> {
  const [row] = await tx.rows<CarrierAddressRow>({
    text: `select a.name, a.company, a.line1, a.line2, a.city, a.region, a.postal_code as "postalCode", a.country, a.phone, a.email
      from sales_order o join order_address a on a.merchant_id = o.merchant_id and a.order_id = o.id
        and a.version = o.address_version
      where o.merchant_id = $1 and o.id = $2`,
    values: [merchantId, orderId],
  });
  return row ?? null;
}

export async function recordAddressCheck(
  tx: Tx,
  check: {
    readonly merchantId: string;
    readonly sha256: string;
    readonly deliverable: boolean;
    readonly externalId: string | null;
    readonly problems: readonly string[];
  },
): Promise<void> {
  await tx.run({
    text: `insert into address_check (merchant_id, address_sha256, deliverable, external_id, problems)
      values ($1, decode($2, 'hex'), $3, $4, $5)
      on conflict (merchant_id, address_sha256) do update
        set deliverable = excluded.deliverable, external_id = excluded.external_id, problems = excluded.problems,
            checked_at = now()`,
    values: [check.merchantId, check.sha256, check.deliverable, check.externalId, check.problems],
  });
}
