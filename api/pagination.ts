/**
 * Lists are read by key, not by offset: a cursor holds the sort key of the last row seen, so rows that
 * come or go meanwhile neither repeat nor hide others. It is opaque to callers and says which list it
 * belongs to; anything else is `invalid-cursor`. It grants nothing: the rows behind it are filtered by
 * the caller's merchants like any others.
 */
import { z } from 'zod';
import { ProblemError } from './problem';

/** One screen, and few enough that a page stays under 1 MB. */
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

/** Query parameters that every list takes. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT),
  cursor: z.string().max(1000).optional(),
};

/** The answer of a list. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.strictObject({
    items: z.array(item),
    /** Pass it as `cursor` for the next page; null on the last one. */
    nextCursor: z.string().nullable(),
  });
}

/**
 * Reads a cursor of this list.
 * @throws ProblemError invalid-cursor.
 */
export function readCursor<T extends z.ZodType>(
  list: string,
  shape: T,
  cursor: string | undefined,
): z.output<T> | null {
  if (cursor === undefined) return null;
  try {
    const text = Buffer.from(cursor, 'base64url').toString('utf8');
    const [name, key] = JSON.parse(text) as [unknown, unknown];
    if (name === list && !text.includes('\\u0000')) return shape.parse(key);
  } catch {
    // Whatever it is, it is none of ours.
  }
  throw new ProblemError('invalid-cursor');
}

/** A page of at most `limit` rows, from one row more than asked for. */
export function page<Row, Item>(
  list: string,
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => unknown,
  itemOf: (row: Row) => Item,
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return {
    items: shown.map(itemOf),
    nextCursor: more ? Buffer.from(JSON.stringify([list, keyOf(last)])).toString('base64url') : null,
  };
}

/** A time in a sort key, as Postgres's own text: a JS Date would lose its microseconds. */
export const timestampText = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?[+-]\d{2}$/)
  .refine((value) => !Number.isNaN(Date.parse(`${value.replace(' ', 'T')}:00`)));

/** Sort key of lists by time and id. */
export const timeAndId = z.tuple([timestampText, z.uuid()]);
