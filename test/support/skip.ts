/**
 * The one way to leave tests out: what needs `../shared`, a network or a tool that is absent says so,
 * loudly, once a file and reason, and counts as skipped in the closing line.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';

const said = new Set<string>();

/** The folder of real inputs, null where this clone has none. `QUAYSIDE_SHARED_DATA` moves it. */
export function sharedDataDir(): string | null {
  const given = process.env.QUAYSIDE_SHARED_DATA;
  const dir = given ? path.resolve(given) : path.resolve(__dirname, '../../../shared/data');
  return existsSync(dir) ? dir : null;
}

/** `describe` when the condition holds; else skipped, and said why. */
export function describeIf(condition: boolean, reason: string): jest.Describe {
  if (condition) return describe;
  say(reason);
  return describe.skip as jest.Describe;
}

/** `it` when the condition holds; else skipped, and said why. */
export function itIf(condition: boolean, reason: string): jest.It {
  if (condition) return it;
  say(reason);
  return it.skip as jest.It;
}

/** Not console.log, which jest wraps in a stack trace and drops when it runs silent. */
function say(reason: string): void {
  if (said.has(reason)) return;
  said.add(reason);
  process.stderr.write(
    `SKIPPED in ${path.relative(process.cwd(), expect.getState().testPath ?? '')}: ${reason}\n`,
  );
}
