/** EasyPost's lists: newest first, `page_size` of them, before or after an id, `has_more` beside. */
import type { Request } from 'express';

const DEFAULT_PAGE = 20;
const LARGEST_PAGE = 100;

/** @param oldestFirst everything there is; @param name the key of the list in the answer. */
export function listPage<T extends { readonly id: string }>(
  req: Request,
  name: string,
  oldestFirst: readonly T[],
  view: (record: T) => unknown,
): Record<string, unknown> {
  const wanted = Number(req.query['page_size'] ?? DEFAULT_PAGE);
  const size = Number.isInteger(wanted) ? Math.min(Math.max(wanted, 1), LARGEST_PAGE) : DEFAULT_PAGE;
  const newestFirst = [...oldestFirst].reverse();
  const before = newestFirst.findIndex(({ id }) => id === req.query['before_id']);
  const after = newestFirst.findIndex(({ id }) => id === req.query['after_id']);
  const rest = newestFirst.slice(before + 1, after < 0 ? undefined : after);
  return { [name]: rest.slice(0, size).map(view), has_more: rest.length > size };
}
