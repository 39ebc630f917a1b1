/** What a merchant has and promised, and what anybody is still to do for him: the same before and after what was undone. */
import type { Database } from '../../db/client';
import { rowsOf } from '../support/floor-steps';
import type { SeededMerchant } from '../support/merchant';

export async function slate(database: Database, merchant: SeededMerchant): Promise<Record<string, unknown>> {
  const [row] = await rowsOf<Record<string, unknown>>(
    database,
    merchant,
    `select (select json_agg(json_build_array(on_hand, held, reserved) order by warehouse_id, product_id) from stock_balance) as stock,
       (select coalesce(json_agg(json_build_array(on_hand, allocated) order by location_id, product_id)
         filter (where on_hand > 0 or allocated > 0), '[]') from bin_balance) as bins,
       (select count(*)::int from reservation where state in ('held', 'allocated')) as reservations,
       (select count(*)::int from allocation) as allocations,
       (select count(*)::int from backorder) as backorders,
       (select count(*)::int from task where state in ('open', 'claimed')) as tasks,
       (select count(*)::int from label where state in ('claimed', 'unknown', 'purchased')) as labels,
       (select count(*)::int from exception where state <> 'resolved') as exceptions`,
  );
  return row as Record<string, unknown>;
}
