import { type CheckReport, checkIn, reportLines, runCheck } from '../../checks/check';
import { makeWorld, type World } from './world';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
}, 60_000);
afterAll(() => world.drop());

const broken = (report: CheckReport) =>
  report.findings
    .filter(({ ok }) => !ok)
    .map(({ invariant, detail }) => [invariant, detail.join('\n')] as const);

test('an engine at work is found clean, and every line says what it looked at', async () => {
  const report = await runCheck(world.urls.checkUrl);
  expect(broken(report)).toEqual([]);
  expect(report.ok).toBe(true);
  // Nothing of what can be looked at was looked at in vain.
  for (const { invariant, status, checked } of report.findings)
    if (status === 'held') expect([invariant, checked > 0]).toEqual([invariant, true]);
  const lines = reportLines(report).join('\n');
  expect(lines).toContain('ok      the ledger is the balances');
  expect(lines).toContain('recorded histories replay on every build: by test');
  expect(lines).toContain('refund and restock at most once a return line: not built yet');
  expect(report.findings.map(({ invariant }) => invariant)).toEqual([
    ...Array.from({ length: 23 }, (_, n) => String(n + 1)),
    'audit',
    'kits',
  ]);
});

/** What a bug or a hand could do to the rows, and what has to be said then. */
const TAMPERINGS: readonly [invariant: string, what: string, sql: readonly string[], says: string][] = [
  [
    'kits',
    'a step of other units than the ledger moved',
    ['update work_order_step set units = units + 1', 'update work_order set built = built + 1'],
    'a step and the ledger differ',
  ],
  [
    'kits',
    'more made than the steps say',
    ['update work_order set built = built + 1'],
    'a work order and its steps differ',
  ],
  [
    'kits',
    'a work order that ended with its parts set apart',
    ["update work_order set state = 'done', ended_at = now()"],
    'a work order that has ended still reserves',
  ],
  [
    'kits',
    'one that waits and nobody knows',
    ["update work_order set blocked_reason = 'work_order_short', blocked_since = now()"],
    'a blocked work order without an exception',
  ],
  [
    '1',
    'more reserved than can be sold',
    [
      'alter table stock_balance drop constraint never_oversold',
      'update stock_balance set reserved = on_hand + 1 where on_hand > 50',
    ],
    'reserved beyond what can be sold',
  ],
  [
    '1',
    'more allocated than the bin holds',
    [
      'alter table bin_balance drop constraint never_overallocated',
      'update bin_balance set allocated = on_hand + 1 where on_hand > 50',
    ],
    'allocated beyond what the bin holds',
  ],
  [
    '1',
    'a reservation lost by its balance',
    ['update stock_balance set reserved = 0'],
    'reservations and their balance differ',
  ],
  [
    '1',
    'an allocation lost by its bin',
    ['update bin_balance set allocated = 0'],
    'allocations and their balance differ',
  ],
  [
    '1',
    'a reservation without its bin',
    ['delete from allocation'],
    'a reservation and its allocations differ',
  ],
  [
    '1',
    'an ended reservation that still allocates',
    [
      "insert into allocation (merchant_id, reservation_id, location_id, product_id, quantity) select r.merchant_id, r.id, l.id, r.product_id, 1 from reservation r, location l where r.state = 'consumed' and l.kind = 'bin' limit 1",
    ],
    'has ended (consumed) and still allocates',
  ],
  [
    '2',
    'a bin that the ledger does not explain',
    ['update bin_balance set on_hand = on_hand + 1 where on_hand > 50'],
    'ledger and bin differ',
  ],
  [
    '2',
    'a warehouse that the ledger does not explain',
    ['update stock_balance set on_hand = on_hand + 1'],
    'ledger and warehouse differ',
  ],
  [
    '2',
    'goods held by nobody',
    ['update stock_balance set held = held + 1 where on_hand > 50'],
    'ledger and warehouse differ',
  ],
  [
    '2',
    'a line of the ledger that was changed',
    ['update stock_ledger set quantity = quantity + 1'],
    'ledger and bin differ',
  ],
  [
    '2',
    'a line of the ledger that was removed',
    ["delete from stock_ledger where cause_id like '%:ship:1'"],
    'ledger and bin differ',
  ],
  [
    '2',
    'a ledger that the application may change',
    ['grant update on stock_ledger to quayside_app'],
    'quayside_app may UPDATE stock_ledger',
  ],
  [
    '3',
    'a cancelled order that still reserves',
    ["update reservation set state = 'held', ended_at = null where state = 'released'"],
    'an order that has ended still reserves',
  ],
  [
    '3',
    'a reservation consumed twice over',
    ["update reservation set quantity = quantity + 1 where state = 'consumed'"],
    'consumed 4, the ledger shipped 3',
  ],
  [
    '3',
    'a shipment posted without goods',
    [
      "delete from stock_ledger where cause_id like '%:ship:1'",
      "delete from stock_cause where kind = 'ship'",
    ],
    'the ledger knows nothing of it',
  ],
  ['3', 'goods gone without a shipment', ['update shipment set posted_at = null'], 'no shipment was posted'],
  [
    '4',
    'two live labels on one parcel',
    [
      'drop index label_live',
      "insert into label (id, merchant_id, parcel_id, step_key, state, carrier_account_id, address_version, external_shipment_id, tracking_number, amount_minor, currency) select gen_random_uuid(), merchant_id, parcel_id, step_key || '0', 'purchased', carrier_account_id, 1, 'shp_other', 'OTHER', 500, 'USD' from label",
    ],
    'several live labels',
  ],
  [
    '5',
    'a label bought and forgotten',
    ["update label set state = 'purchased'", "update parcel set state = 'cancelled'"],
    'a label that nobody will ship',
  ],
  [
    '5',
    'a void that nobody follows',
    ["update label set state = 'void_rejected', void_due_at = null"],
    'a void that nobody follows',
  ],
  [
    '6',
    'a parcel that left without a label',
    ["update label set state = 'voided'"],
    'a parcel that left without its label',
  ],
  [
    '6',
    'a label shipped on a parcel that is here',
    ["update parcel set state = 'packed' where shipped_at is not null"],
    'a label shipped and its parcel not',
  ],
  [
    '6',
    'a channel that was never told',
    ["update channel_connection set channel = 'shopify'"],
    'a channel told twice, or never',
  ],
  [
    '7',
    'an order cancelled after it left',
    ["update sales_order set state = 'cancelled', deadline_at = null where state = 'closed'"],
    'cancelled, and it left',
  ],
  [
    '7',
    'a picker sent for a cancelled order',
    ["update task set state = 'open', finished_at = null where kind = 'pick' and state = 'cancelled'"],
    'cancelled, and somebody is sent to pick it',
  ],
  [
    '8',
    'a parcel gone to an old address',
    ["update sales_order set address_version = 2 where state = 'closed'"],
    'shipped to another version of the address',
  ],
  [
    '9',
    'an order without a deadline',
    [
      'alter table sales_order drop constraint sales_order_check1',
      "update sales_order set deadline_at = null where state = 'in_fulfilment'",
    ],
    'no deadline',
  ],
  [
    '9',
    'a blocked order that nobody is asked about',
    ["update exception set state = 'resolved', resolved_at = now()"],
    'blocked, and nobody is asked',
  ],
  [
    '9',
    'an order blocked by an unknown reason',
    ["update sales_order set blocked_reason = 'mood' where blocked_reason is not null"],
    'blocked, and nobody is asked',
  ],
  [
    '9',
    'an ended order on the stuck list',
    [
      "update sales_order set state = 'cancelled', deadline_at = null, blocked_reason = null, blocked_since = null where blocked_reason is not null",
    ],
    'an order that has ended is on the stuck list',
  ],
  [
    '9',
    'an order past its deadline that nobody knows of',
    ["update sales_order set deadline_at = now() - interval '61 seconds' where state = 'in_fulfilment'"],
    'past its deadline',
  ],
  [
    '11',
    'a table without its policies',
    ['alter table sales_order disable row level security'],
    'sales_order: row-level security is not enabled',
  ],
  [
    '13',
    'a message received and forgotten',
    ["update inbox set state = 'received', received_at = now() - interval '61 seconds'"],
    'received and never processed',
  ],
  [
    '15',
    'a message that nobody sends',
    ["update outbox set state = 'pending', due_at = now() - interval '301 seconds' where kind = 'mail'"],
    'due for long, and nobody sends it',
  ],
  [
    '15',
    'a message given up in silence',
    ["update outbox set state = 'dead' where kind = 'mail'"],
    'given up, and nobody was asked',
  ],
  [
    '19',
    'an order ahead of its parts',
    ["update sales_order set state = 'shipped' where state = 'in_fulfilment'"],
    'its parts make it in_fulfilment',
  ],
  [
    '19',
    'an order behind its parts',
    ["update fulfilment_order set state = 'shipped' where state in ('picking', 'picked')"],
    'its parts make it shipped',
  ],
  [
    '19',
    'a part delivered before its parcels',
    ["update parcel set state = 'in_transit' where state = 'delivered'"],
    'its parcels are in_transit',
  ],
  [
    '21',
    'an accepted order without a workflow',
    ["delete from outbox where kind = 'workflow.start'"],
    'an accepted order without a start',
  ],
  [
    '21',
    'one order, two workflows',
    [
      "insert into outbox (id, merchant_id, kind, key, order_id, payload) select gen_random_uuid(), merchant_id, kind, key || 'x', order_id, '{\"workflowId\":\"another\"}' from outbox where kind = 'workflow.start'",
    ],
    'two workflows for one order',
  ],
  [
    '23',
    'a parcel that was never charged',
    ["delete from order_fact where kind = 'shipping_cost'"],
    "the label's price and the fact differ",
  ],
  [
    '23',
    'a parcel charged otherwise than it cost',
    ["update order_fact set amount_minor = 1 where kind = 'shipping_cost'"],
    "the label's price and the fact differ",
  ],
  [
    'audit',
    'an audit entry that was changed',
    ["update audit_log set actor = 'nobody'"],
    'an entry was changed',
  ],
];

test.each(TAMPERINGS)('%s: %s is caught', async (invariant, _what, sql, says) => {
  const report = await world.tampered(sql, (tx) => checkIn(tx));
  expect(report.ok).toBe(false);
  expect(Object.fromEntries(broken(report))[invariant]).toContain(says);
});

test('a parcel that came back after its delivery is no fault of the books', async () => {
  const report = await world.tampered(
    ["update parcel set state = 'returned_to_sender' where state = 'delivered'"],
    (tx) => checkIn(tx),
  );
  expect(broken(report)).toEqual([]);
});

test('two rows of one order are caught', async () => {
  const report = await world.tampered(
    [
      `do $$ declare name text; begin
        for name in select conname from pg_constraint where conrelid = 'sales_order'::regclass and contype = 'u' loop
          execute format('alter table sales_order drop constraint %I', name);
        end loop;
      end $$`,
      'create temporary table twin on commit drop as select * from sales_order limit 1',
      'update twin set id = gen_random_uuid()',
      'insert into sales_order select * from twin',
    ],
    (tx) => checkIn(tx),
  );
  expect(Object.fromEntries(broken(report))['21']).toContain('the same order twice');
});

test('the checking role can read and can change nothing', async () => {
  const grants = await world.tampered([], (tx) =>
    tx.rows({
      text: "select distinct privilege_type from information_schema.role_table_grants where grantee = 'quayside_check'",
    }),
  );
  expect(grants).toEqual([{ privilege_type: 'SELECT' }]);
});
