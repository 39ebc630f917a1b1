/**
 * Real inputs lie beside the clone, in ../shared/data, and never in it. A test that needs them goes
 * through here: where they are absent it is counted as skipped and its name says what is missing.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..', '..', 'shared', 'data');

/**
 * A test on a file or folder of ../shared/data, which is handed over as an absolute path.
 * @param part path below ../shared/data, e.g. `shopify/fixtures`.
 */
export function itWithSharedData(
  name: string,
  part: string,
  run: (path: string) => void | Promise<void>,
): void {
  const path = join(ROOT, part);
  if (existsSync(path)) it(name, async () => run(path));
  else it.skip(`${name} (skipped: ../shared/data/${part} is absent)`, () => undefined);
}
