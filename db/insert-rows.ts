import type { Tx } from './client';

/**
 * Inserts rows whose keys are new; those that exist stay as they are. Table and columns are the caller's
 * own words, never input.
 */
export async function insertRows(
  tx: Tx,
  tableName: string,
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  if (rows.length === 0) return;
  const values = rows.map(
    (_, row) => `(${columns.map((__, at) => `$${row * columns.length + at + 1}`).join(', ')})`,
  );
  await tx.run({
    text: `insert into ${tableName} (${columns.join(', ')}) values ${values.join(', ')} on conflict do nothing`,
    values: rows.flat(),
  });
}
