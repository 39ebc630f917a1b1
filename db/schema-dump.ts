/**
 * The schema as text, read from the catalogue (the embedded Postgres has no pg_dump): what a reviewer
 * reads and what CI compares. Names are sorted and nothing depends on who made it when, so equal schemas
 * give equal text. It is written as SQL but only ever read; databases are made by the migrations. The
 * ledger's partitions are left out, and the constraints that come with them, for they come with the months
 * of the data.
 */
import { Client } from 'pg';

const NOT_OURS = "('schema_migration', 'schema_migration_lock')";
const OURS = `c.relnamespace = 'public'::regnamespace and c.relname not in ${NOT_OURS} and not c.relispartition`;

const HEADER = `-- The schema that the migrations make, for readers. Made by "npm run schema:dump"; CI compares it.
-- Migrations are the truth: change those and make this file anew.`;

/** Each query gives one \`text\` a row, in its order. */
const PARTS: readonly { readonly title: string; readonly query: string }[] = [
  {
    title: 'Functions',
    query: `
select pg_get_functiondef(p.oid) || ';' || coalesce((
    select string_agg(E'\\n' || case when a.grantee = 0 then 'grant execute on function ' || p.proname || ' to public;'
      else format('grant execute on function %s to %s;', p.proname, a.grantee::regrole) end, '' order by case when a.grantee = 0 then '' else a.grantee::regrole::text end collate "C")
    from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    where a.privilege_type = 'EXECUTE' and a.grantee <> p.proowner), '') as text
from pg_proc p where p.pronamespace = 'public'::regnamespace
  and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
order by p.proname, pg_get_function_identity_arguments(p.oid)`,
  },
  {
    title: 'Tables',
    query: `
select format(E'create table %s (\\n%s\\n)%s%s;%s%s%s%s%s', c.relname,
  array_to_string(array(
    select format('  %s %s%s%s', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
      case when d.adbin is null then '' else ' default ' || pg_get_expr(d.adbin, d.adrelid) end,
      case when a.attnotnull then ' not null' else '' end)
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum)
  || array(
    select format('  constraint %s %s', quote_ident(k.conname), pg_get_constraintdef(k.oid))
    from pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'u', 'c', 'f', 'x') and k.conparentid = 0
    order by array_position(array['p', 'u', 'c', 'f', 'x'], k.contype::text), k.conname), E',\\n'),
  case when c.relkind = 'p' then ' partition by ' || lower(pg_get_partkeydef(c.oid)) else '' end,
  case when c.reloptions is null then '' else ' with (' || array_to_string(c.reloptions, ', ') || ')' end,
  (select coalesce(string_agg(E'\\n' || pg_get_indexdef(i.indexrelid) || ';', '' order by i.indexrelid::regclass::text collate "C"), '')
    from pg_index i where i.indrelid = c.oid
      and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = c.oid)),
  (select coalesce(string_agg(E'\\n' || pg_get_triggerdef(t.oid) || ';', '' order by t.tgname), '')
    from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal),
  case when c.relrowsecurity then format(E'\\nalter table %s enable row level security;', c.relname) else '' end
    || case when c.relforcerowsecurity then format(E'\\nalter table %s force row level security;', c.relname) else '' end,
  (select coalesce(string_agg(format(E'\\ncreate policy %s on %s for %s to %s%s%s;', p.polname, c.relname,
      case p.polcmd when '*' then 'all' when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' else 'delete' end,
      array_to_string(array(select case when r = 0 then 'public' else r::regrole::text end from unnest(p.polroles) r order by r::regrole::text collate "C"), ', '),
      coalesce(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', ''),
      coalesce(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')), '' order by p.polname), '')
    from pg_policy p where p.polrelid = c.oid),
  (select coalesce(string_agg(format(E'\\ngrant %s on %s to %s;', verbs, c.relname, grantee), '' order by grantee collate "C"), '') from (
    select a.grantee::regrole::text as grantee, string_agg(lower(a.privilege_type), ', ' order by a.privilege_type collate "C") as verbs
    from aclexplode(c.relacl) a where a.grantee <> c.relowner and a.grantee <> 0 group by a.grantee) g)
) as text
from pg_class c where c.relkind in ('r', 'p') and ${OURS} order by c.relname`,
  },
  {
    title: 'Views and sequences',
    query: `
select case when c.relkind = 'S' then format('create sequence %s;', c.relname)
  else format(E'create view %s as\\n%s', c.relname, pg_get_viewdef(c.oid)) end as text
from pg_class c where c.relkind in ('v', 'm', 'S') and ${OURS} order by c.relname`,
  },
];

/** @param ownerUrl a migrated database. */
export async function dumpSchema(ownerUrl: string): Promise<string> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const sections: string[] = [HEADER];
    for (const { title, query } of PARTS) {
      const { rows } = await client.query<{ text: string }>(query);
      if (rows.length > 0) sections.push(`-- ${title}`, ...rows.map(({ text }) => text.trim()));
    }
    return `${sections.join('\n\n')}\n`;
  } finally {
    await client.end();
  }
}
