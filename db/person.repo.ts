/** People of an organisation: whose badge a scan carries, and whose deed a change is. */
import type { Tx } from './client';

export interface PersonRow {
  readonly id: string;
  /** null once erased. */
  readonly name: string | null;
  readonly role: string;
  readonly created_at: Date;
}

const COLUMNS = 'id, name, role, created_at';

export function listPersons(
  tx: Tx,
  organisationId: string,
  afterId: string | null,
  limit: number,
): Promise<PersonRow[]> {
  return tx.rows<PersonRow>({
    text: `select ${COLUMNS} from person where organisation_id = $1 and ($2::uuid is null or id > $2) order by id limit $3`,
    values: [organisationId, afterId, limit],
  });
}

export async function insertPerson(
  tx: Tx,
  person: {
    readonly id: string;
    readonly organisationId: string;
    readonly name: string;
    readonly role: string;
  },
): Promise<PersonRow> {
  const [row] = await tx.rows<PersonRow>({
    text: `insert into person (id, organisation_id, name, role) values ($1, $2, $3, $4) returning ${COLUMNS}`,
    values: [person.id, person.organisationId, person.name, person.role],
  });
  return row as PersonRow;
}
