/**
 * What a change changed, for the audit log: the columns of a row that differ, as they were and as they
 * are. Not for rows of persons, whose words don't belong there.
 */
type Row = Readonly<Record<string, unknown>>;

/** Change with every change and say nothing. */
const NOISE = new Set(['version', 'updated_at', 'catalog_version']);

/** Values as JSON holds them: amounts as text, times in RFC 3339. */
export function changedFacts(before: object, after: object): { readonly before: Row; readonly after: Row } {
  const names = Object.keys(after).filter(
    (name) => !NOISE.has(name) && plain((before as Row)[name]) !== plain((after as Row)[name]),
  );
  const pick = (row: object): Row =>
    Object.fromEntries(names.map((name) => [name, JSON.parse(plain((row as Row)[name])) as unknown]));
  return { before: pick(before), after: pick(after) };
}

function plain(value: unknown): string {
  return JSON.stringify(value ?? null, (_name, each: unknown) =>
    typeof each === 'bigint' ? String(each) : each,
  );
}
