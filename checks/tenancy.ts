/**
 * Whether every table keeps merchants apart, read from the catalogue: so a table that a migration forgot
 * to protect fails here whoever wrote it. The rules: row-level security enabled and forced, on every
 * partition too; a policy of the application role with USING and WITH CHECK on its merchants or
 * organisations; unique keys that begin with the tenant (any other tells whether a stranger's row
 * exists), but for ids that are random or hashes; foreign keys between a merchant's tables that carry
 * the merchant. Roles neither own tables nor pass by the policies.
 */
import type { Tx } from '../db/client';

/** knex's own bookkeeping: no tenant, and no rights for our roles. */
const NOT_OURS = ['schema_migration', 'schema_migration_lock'];

/**
 * Unique keys that may leave the tenant out. Each is a random id or a digest, which nobody can guess and
 * so nobody can sense: whoever adds one here says why it can't be an oracle.
 */
const GLOBAL_KEYS: Readonly<Record<string, readonly string[]>> = {
  // Roots of tenancy: their id is the tenant.
  organisation: ['id'],
  merchant: ['id'],
  // Referred to by other tables by their id alone; ids are UUIDs that we make.
  person: ['id'],
  warehouse: ['id'],
  location: ['id'],
  carrier_account: ['id', 'webhook_path_sha256'],
  api_key: ['id', 'key_sha256'],
  audit_log: ['id'],
  // SHA-256 of 256 random bits.
  channel_connection: ['webhook_path_sha256'],
  // Keys of one API key, whose id no other caller can present.
  idempotency_key: ['api_key_id,key'],
  // Nobody's rows: digests, which the application can't read at all.
  audit_seal: ['number', 'root'],
};

/** Tables without a tenant, which the application role must not reach. */
const WITHOUT_TENANT = ['audit_seal'];

interface TableRow {
  readonly name: string;
  readonly enabled: boolean;
  readonly forced: boolean;
  readonly tenant: string | null;
  readonly app_reaches: boolean;
  readonly policies: readonly {
    using: string | null;
    check: string | null;
    permissive: boolean;
    command: string;
  }[];
}

const TABLES = `
select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
  case when c.relname = 'merchant' then 'id' when c.relname = 'organisation' then 'id'
    when exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'merchant_id' and a.attnotnull) then 'merchant_id'
    when exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organisation_id' and a.attnotnull) then 'organisation_id'
  end as tenant,
  has_table_privilege('quayside_app', c.oid, 'select, insert, update, delete') as app_reaches,
  coalesce((select json_agg(json_build_object('using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid),
      'permissive', p.polpermissive, 'command', p.polcmd))
    from pg_policy p where p.polrelid = c.oid and (p.polroles @> array['quayside_app'::regrole::oid] or p.polroles = '{0}')), '[]') as policies
from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
where c.relkind in ('r', 'p') and c.relname <> all($1::text[]) order by c.relname`;

const UNIQUE_KEYS = `
select c.relname as table, i.relname as name, array_to_string(array(select coalesce(a.attname, '(expression)') from unnest(x.indkey::smallint[])
    with ordinality k(number, place) left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.number
    where k.place <= x.indnkeyatts order by k.place), ',') as columns
from pg_index x join pg_class c on c.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
where x.indisunique and c.relname <> all($1::text[]) order by 1, 2`;

/** Foreign keys between two tables of merchants, and whether the merchant is part of them on both sides. */
const FOREIGN_KEYS = `
select c.relname as table, f.conname as name, exists (
    select from unnest(f.conkey, f.confkey) as k(own, other)
    join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.own and a.attname = 'merchant_id'
    join pg_attribute b on b.attrelid = f.confrelid and b.attnum = k.other and b.attname = 'merchant_id') as carries
from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_class t on t.oid = f.confrelid
join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
where f.contype = 'f' and f.conparentid = 0
  and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'merchant_id' and a.attnotnull)
  and exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = 'merchant_id' and a.attnotnull)`;

const ROLES = `
select r.rolname as role, r.rolsuper or r.rolbypassrls or r.rolcreaterole as mighty,
  exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public' where c.relowner = r.oid) as owns
from pg_roles r where r.rolname in ('quayside_app', 'quayside_system', 'quayside_check')`;

export interface TenancyVerdict {
  readonly tables: number;
  /** What is wrong, one sentence each; empty when nothing is. */
  readonly faults: readonly string[];
}

/** Reads the catalogue of the database it is connected to; any role may. */
export async function tenancyFaults(tx: Tx): Promise<TenancyVerdict> {
  const values = [NOT_OURS];
  const tables = await tx.rows<TableRow>({ text: TABLES, values });
  const keys = await tx.rows<{ table: string; name: string; columns: string }>({ text: UNIQUE_KEYS, values });
  const foreign = await tx.rows<{ table: string; name: string; carries: boolean }>({ text: FOREIGN_KEYS });
  const roles = await tx.rows<{ role: string; mighty: boolean; owns: boolean }>({ text: ROLES });
  const tenantOf = new Map(tables.map((table) => [table.name, table.tenant]));
  return {
    tables: tables.length,
    faults: [
      ...tables.flatMap(tableFaults),
      ...keys.flatMap((key) => keyFaults(key, tenantOf.get(key.table) ?? null)),
      ...foreign
        .filter(({ carries }) => !carries)
        .map(({ table, name }) => `${table}: foreign key ${name} does not carry the merchant`),
      ...roles.flatMap(({ role, mighty, owns }) => [
        ...(mighty ? [`${role} passes by the policies`] : []),
        ...(owns ? [`${role} owns tables, and owners pass by unforced policies`] : []),
      ]),
    ],
  };
}

function tableFaults(table: TableRow): string[] {
  const faults: string[] = [];
  if (!table.enabled) faults.push('row-level security is not enabled');
  if (!table.forced) faults.push('row-level security is not forced');
  if (WITHOUT_TENANT.includes(table.name)) {
    if (table.app_reaches) faults.push('it has no tenant, and the application reaches it');
  } else if (table.tenant === null) faults.push('it has no merchant and no organisation');
  else faults.push(...policyFaults(table, table.tenant));
  return faults.map((fault) => `${table.name}: ${fault}`);
}

/** Partitions that the application can't reach need no policy of their own but have one all the same. */
function policyFaults(table: TableRow, tenant: string): string[] {
  if (table.policies.length === 0) return ['it has no policy for quayside_app'];
  return table.policies.flatMap(({ using, check, command }) => {
    const faults: string[] = [];
    if (command !== '*') faults.push('its policy does not cover every command');
    for (const [name, expression] of [
      ['USING', using],
      ['WITH CHECK', check],
    ] as const) {
      const binds =
        expression?.includes(tenant) === true &&
        (expression.includes('app.merchant_ids') || expression.includes('app.organisation_ids'));
      if (!binds) faults.push(`its policy's ${name} does not bind rows to the tenants of the transaction`);
    }
    return faults;
  });
}

function keyFaults(
  key: { readonly table: string; readonly name: string; readonly columns: string },
  tenant: string | null,
): string[] {
  const columns = key.columns.split(',');
  if (tenant !== null && columns[0] === tenant) return [];
  // What belongs to an organisation may also be kept apart by merchant, and the other way round.
  if (columns[0] === 'merchant_id' || columns[0] === 'organisation_id') return [];
  if (GLOBAL_KEYS[key.table]?.includes(key.columns)) return [];
  return [`${key.table}: unique key ${key.name} (${key.columns}) does not begin with the tenant`];
}
