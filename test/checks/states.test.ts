/** The state tables of the domain and what the database lets into a row are the same words. */
import { Client } from 'pg';
import { type MachineName, STATE_MACHINES, statesOf } from '../../domain/order/states';
import { type TestDatabase, testDatabase } from '../support/postgres';

/** Where each machine's state is kept. */
const COLUMNS: Readonly<Record<MachineName, readonly string[]>> = {
  order: ['sales_order.state'],
  fulfilmentOrder: ['fulfilment_order.state'],
  task: ['task.state'],
  parcel: ['parcel.state'],
  label: ['label.state'],
  reservation: ['reservation.state'],
  exception: ['exception.state'],
  outbox: ['outbox.state'],
};

let urls: TestDatabase;
let client: Client;
beforeAll(async () => {
  urls = await testDatabase();
  client = new Client({ connectionString: urls.checkUrl });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await urls?.drop();
});

/** The words of the column's own CHECK (column in (…)). */
async function allowed(column: string): Promise<string[]> {
  const [table, name] = column.split('.') as [string, string];
  const { rows } = await client.query<{ check: string }>(
    `select pg_get_constraintdef(c.oid) as check from pg_constraint c
      join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any(c.conkey)
      where c.contype = 'c' and c.conrelid = $1::regclass and a.attname = $2 and array_length(c.conkey, 1) = 1`,
    [table, name],
  );
  return rows.flatMap(({ check }) =>
    [...check.matchAll(/'([a-z_]+)'::text/g)].map(([, word]) => word as string),
  );
}

const each = (Object.keys(STATE_MACHINES) as MachineName[]).flatMap((machine) =>
  COLUMNS[machine].map((column) => [machine, column] as const),
);

test.each(each)(
  '%s: a row of %s has a state of its table, and may have every one',
  async (machine, column) => {
    expect((await allowed(column)).sort()).toEqual([...statesOf(machine)].sort());
  },
);

test.each(each)(
  '%s: a new row of %s begins where the table begins, if it says nothing',
  async (machine, column) => {
    const [table, name] = column.split('.');
    const { rows } = await client.query<{ initial: string | null }>(
      `select column_default as initial from information_schema.columns where table_name = $1 and column_name = $2`,
      [table, name],
    );
    const initial = rows[0]?.initial?.match(/'([a-z_]+)'/)?.[1];
    // An order is a row only once it is accepted: what was received before is in the inbox.
    const first = machine === 'order' ? 'accepted' : STATE_MACHINES[machine].initial;
    expect([undefined, first]).toContain(initial);
  },
);
