/**
 * The one way to leave tests out: what needs `../shared`, a network or a tool that is absent says so,
 * loudly, once a file, and counts as skipped.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';

/** The folder of real inputs, null where this clone has none. `QUAYSIDE_SHARED_DATA` moves it. */
export function sharedDataDir(): string | null {
  const given = process.env.QUAYSIDE_SHARED_DATA;
  const dir = given ?? path.resolve(__dirname, '../../../shared/data');
  return existsSync(dir) ? dir : null;
}

/** `describe` when the condition holds; else skipped, and said why. */
export function describeIf(condition: boolean, reason: string): jest.Describe {
  if (condition) return describe;
  process.stderr.write(`skipped: ${reason}\n`);
  return describe.skip as jest.Describe;
}

/** `it` when the condition holds; else skipped, and said why. */
export function itIf(condition: boolean, reason: string): jest.It {
  if (condition) return it;
  process.stderr.write(`skipped: ${reason}\n`);
  return it.skip as jest.It;
}
