/** Kitting: what a step says is what the ledger moved through assembly, and nothing stays set apart in the end. */
import { byProbes, type Invariant } from './invariant';

/** Steps with the cause under which they are posted (commands/work-order/post-step). */
const STEPS = `select w.merchant_id, w.id, w.kind, w.product_id, s.number, s.units, s.posted_at,
    w.id || ':' || w.kind || ':' || s.number as cause_id
  from work_order w join work_order_step s on s.merchant_id = w.merchant_id and s.work_order_id = w.id`;

/** Into assembly counts up, out of it down, by the ledger. */
const ASSEMBLED = `select l.merchant_id, l.cause_id, l.product_id,
    sum(case when t.kind = 'assembly' then l.quantity else -l.quantity end) as units
  from stock_cause c join stock_ledger l on l.merchant_id = c.merchant_id and l.cause_id = c.id and l.month = c.month
  join location f on f.id = l.from_location_id join location t on t.id = l.to_location_id
  where c.kind = 'kit' and (f.kind = 'assembly' or t.kind = 'assembly') group by 1, 2, 3`;

const EXPECTED = `
  select merchant_id, cause_id, product_id, case kind when 'kit' then -units else units end as units
  from (${STEPS}) s where posted_at is not null and units > 0
  union all
  select s.merchant_id, s.cause_id, c.product_id, (case s.kind when 'kit' then 1 else -1 end) * s.units * c.quantity
  from (${STEPS}) s join work_order_component c on c.merchant_id = s.merchant_id and c.work_order_id = s.id
  where s.posted_at is not null and s.units > 0`;

/** What work orders have made by their steps. */
export const BUILT_BY_STEPS = `select merchant_id, work_order_id, coalesce(sum(units) filter (where posted_at is not null), 0)::bigint as built
  from work_order_step group by 1, 2`;

export const WORK_ORDER_INVARIANTS: readonly Invariant[] = [
  byProbes('kits', 'what is made is what was used', [
    {
      what: 'a step and the ledger differ',
      checked: 'select count(*) as checked from work_order_step',
      faults: `select format('%s, product %s: %s through assembly by the steps, %s by the ledger', cause_id, product_id,
          coalesce(e.units, 0), coalesce(a.units, 0)) as fault
        from (${EXPECTED}) e full join (${ASSEMBLED}) a using (merchant_id, cause_id, product_id)
        where coalesce(e.units, 0) <> coalesce(a.units, 0)`,
    },
    {
      what: 'a work order and its steps differ',
      checked: 'select count(*) as checked from work_order',
      faults: `select format('work order %s: %s made, its steps say %s', w.id, w.built, coalesce(s.built, 0)) as fault
        from work_order w left join (${BUILT_BY_STEPS}) s on s.merchant_id = w.merchant_id and s.work_order_id = w.id
        where w.built <> coalesce(s.built, 0)`,
    },
    {
      what: 'a work order that has ended still reserves, or owes a step',
      checked: `select count(*) as checked from work_order where ended_at is not null`,
      faults: `select format('work order %s is %s and reserves %s', w.id, w.state, r.id) as fault
        from work_order w join reservation r on r.merchant_id = w.merchant_id and r.work_order_id = w.id
        where w.ended_at is not null and r.state in ('held', 'allocated')
        union all
        select format('work order %s is %s and step %s is not posted', w.id, w.state, s.number) as fault
        from work_order w join work_order_step s on s.merchant_id = w.merchant_id and s.work_order_id = w.id
        where w.ended_at is not null and s.posted_at is null`,
    },
    {
      what: 'a blocked work order without an exception',
      checked: `select count(*) as checked from work_order where blocked_reason is not null`,
      faults: `select format('work order %s waits for %s', w.id, w.blocked_reason) as fault from work_order w
        where w.blocked_reason is not null and not exists (select from exception e where e.merchant_id = w.merchant_id
          and e.key = w.blocked_reason || ':' || w.id and e.state <> 'resolved')`,
    },
  ]),
];
