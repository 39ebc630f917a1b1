/** Orders: none is lost, none waits unseen, and each is the fold of its parts. */
import type { Tx } from '../db/client';
import { BLOCKED_REASONS } from '../domain/order/exception-reasons';
import { allDelivered } from '../domain/order/parcel-status';
import {
  type FulfilmentOrderState,
  foldOrderState,
  type OrderState,
  type ParcelState,
  rankOf,
} from '../domain/order/states';
import { byProbes, EXAMPLES, type Invariant, type Looked, together } from './invariant';

const REASONS = Object.keys(BLOCKED_REASONS)
  .map((reason) => `'${reason}'`)
  .join(', ');
const WAITING = `select count(*) as checked from sales_order where state not in ('closed', 'cancelled')`;

const nobodyForgotten = byProbes(
  '9',
  'every order is ended, or waits with a state, a deadline and somebody who knows',
  [
    {
      what: 'no deadline',
      checked: WAITING,
      faults: `select format('order %s is %s', id, state) as fault from sales_order
      where (deadline_at is null) <> (state in ('closed', 'cancelled'))`,
    },
    {
      what: 'blocked, and nobody is asked',
      checked: 'select count(*) as checked from sales_order where blocked_reason is not null',
      faults: `select format('order %s: %s', o.id, o.blocked_reason) as fault from sales_order o
      where o.blocked_reason is not null and (o.blocked_reason not in (${REASONS}) or not exists (select from exception e
        where e.merchant_id = o.merchant_id and e.order_id = o.id and e.reason = o.blocked_reason and e.state <> 'resolved'))`,
    },
    {
      what: 'an order that has ended is on the stuck list',
      checked: `select count(*) as checked from exception where state <> 'resolved'`,
      // What the dispatcher opens by itself (past_deadline, workflow_…) it also resolves, some seconds later.
      faults: `select format('order %s is %s, and %s is open', o.id, o.state, e.reason) as fault
      from exception e join sales_order o on o.merchant_id = e.merchant_id and o.id = e.order_id
      where e.state <> 'resolved' and o.state in ('closed', 'cancelled') and e.reason in (${REASONS})`,
    },
    {
      what: 'past its deadline, and on nobody’s list',
      checked: WAITING,
      // A merchant in the time of its data passes hours between two rounds of the sweeper: it gets a day.
      faults: `select format('order %s is %s since %s, deadline %s', o.id, o.state, o.state_since, o.deadline_at) as fault
      from sales_order o join merchant m on m.id = o.merchant_id
      where o.deadline_at < coalesce(m.business_now - interval '1 day', now() - interval '60 seconds')
        and not exists (select from exception e where e.merchant_id = o.merchant_id and e.order_id = o.id
          and (e.state <> 'resolved' or (e.reason = 'past_deadline' and e.opened_at >= o.deadline_at)))`,
    },
  ],
);

interface Combination {
  readonly state: string;
  readonly parts: readonly string[];
  readonly open_demand: boolean;
  readonly orders: bigint;
  readonly some: readonly string[];
}

/** Orders by their state, their parts' states and whether something waits for stock: a few dozen rows. */
const ORDER_COMBINATIONS = `
select state, parts, open_demand, count(*) as orders, (array_agg(id::text))[1:3] as some from (
  select o.id, o.state,
    array(select f.state from fulfilment_order f where f.merchant_id = o.merchant_id and f.order_id = o.id order by f.state) as parts,
    exists (select from backorder b where b.merchant_id = o.merchant_id and b.order_id = o.id) as open_demand
  from sales_order o
) each group by state, parts, open_demand`;

/** Shipped parts by their state and their parcels' states. */
const PART_COMBINATIONS = `
select state, parts, false as open_demand, count(*) as orders, (array_agg(id::text))[1:3] as some from (
  select f.id, f.state,
    array(select p.state from parcel p where p.merchant_id = f.merchant_id and p.fulfilment_order_id = f.id order by p.state) as parts
  from fulfilment_order f where f.state in ('shipped', 'delivered')
) each group by state, parts`;

/** What is wrong with an order in this state that has these parts; null when nothing is. */
export function orderFault(
  state: OrderState,
  parts: readonly FulfilmentOrderState[],
  openDemand: boolean,
): string | null {
  if (parts.length === 0) {
    // Planned by nobody yet, ended before anything was planned, or nothing of it ships.
    return ['received', 'accepted', 'delivered', 'closed', 'cancelled'].includes(state) || openDemand
      ? null
      : 'has no parts';
  }
  const fold = foldOrderState(parts, true, openDemand);
  if (state === 'cancelled') return fold === 'cancelled' ? null : `its parts make it ${fold}`;
  if (state === 'closed') return fold === 'delivered' ? null : `its parts make it ${fold}`;
  // A part that was refused or given up is planned anew: that takes a part back, never the order.
  if (
    rankOf('order', state) < rankOf('order', 'partly_shipped') &&
    rankOf('order', fold) <= rankOf('order', state)
  )
    return null;
  if (fold === 'cancelled' && rankOf('order', state) < rankOf('order', 'partly_shipped')) return null;
  return fold === state ? null : `its parts make it ${fold}`;
}

async function lookAtFolds(tx: Tx): Promise<Looked> {
  const orders = await tx.rows<Combination>({ text: ORDER_COMBINATIONS });
  const parts = await tx.rows<Combination>({ text: PART_COMBINATIONS });
  return together([
    judge(orders, (row) =>
      orderFault(row.state as OrderState, row.parts as FulfilmentOrderState[], row.open_demand),
    ),
    judge(parts, (row) =>
      partFault(row.state, row.parts as ParcelState[])
        ? `its parcels are ${row.parts.join(', ') || 'none'}`
        : null,
    ),
  ]);
}

/** Whether a shipped or delivered part can't have these parcels. */
function partFault(state: string, parcels: readonly ParcelState[]): boolean {
  if (state === 'shipped') return allDelivered(parcels);
  // What was delivered may come back; the part stays delivered.
  return !allDelivered(parcels.map((parcel) => (parcel === 'returned_to_sender' ? 'delivered' : parcel)));
}

function judge(rows: readonly Combination[], faultOf: (row: Combination) => string | null): Looked {
  let checked = 0;
  let faults = 0;
  const examples: string[] = [];
  for (const row of rows) {
    checked += Number(row.orders);
    const fault = faultOf(row);
    if (fault === null) continue;
    faults += Number(row.orders);
    examples.push(
      `${row.orders} like ${row.some.join(', ')}: ${row.state}, but ${fault} (${row.parts.join(', ')})`,
    );
  }
  return { checked, faults, examples: examples.slice(0, EXAMPLES) };
}

const foldOfParts: Invariant = { id: '19', name: 'an order is the fold of its parts', look: lookAtFolds };

const oneWorkflow = byProbes('21', 'an order is one row, one start, one workflow', [
  {
    what: 'the same order twice',
    checked: 'select count(*) as checked from sales_order',
    faults: `select format('%s of connection %s: %s rows', external_id, connection_id, count(*)) as fault
      from sales_order group by merchant_id, connection_id, external_id having count(*) > 1`,
  },
  {
    what: 'an accepted order without a start',
    checked: `select count(*) as checked from outbox where kind = 'workflow.start'`,
    faults: `select format('order %s is %s', o.id, o.state) as fault from sales_order o
      where o.state not in ('closed', 'cancelled') and not exists (select from outbox b where b.merchant_id = o.merchant_id and b.order_id = o.id
        and b.kind = 'workflow.start')`,
  },
  {
    what: 'two workflows for one order or work order',
    checked: `select count(*) as checked from outbox where kind = 'workflow.start'`,
    faults: `select format('order %s: %s', id, string_agg(distinct workflow, ', ')) as fault
      from (select merchant_id, coalesce(order_id::text, payload -> 'input' ->> 'workOrderId') as id, payload ->> 'workflowId' as workflow
        from outbox where kind = 'workflow.start') s
      group by merchant_id, id having count(distinct workflow) > 1`,
  },
]);

export const ORDER_INVARIANTS: readonly Invariant[] = [nobodyForgotten, foldOfParts, oneWorkflow];
