import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTimeSkippingServer } from '../../provision/time-skipping';
import { itWithTimeSkipping } from '../support/time-skipping';

itWithTimeSkipping('thirty days pass in seconds', async (environment) => {
  const before = await environment.currentTimeMs();
  await environment.sleep('30 days');
  expect((await environment.currentTimeMs()) - before).toBeGreaterThanOrEqual(30 * 86_400_000);
});

test('where Java, Maven or the network is missing the reason comes back, and no half of it stays', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'quayside-skipping-'));
  const env = { QUAYSIDE_CACHE: join(directory, 'cache'), PATH: directory };
  const program = (name: string, script: string): void =>
    writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const find = () => findTimeSkippingServer(() => undefined, env);

  expect(await find()).toEqual({ path: null, reason: 'there is no Java on the PATH' });
  program('java', 'exit 0');
  expect(await find()).toEqual({ path: null, reason: 'there is no Maven (mvn) on the PATH' });
  program('mvn', 'if [ "$1" = --version ]; then exit 0; fi; echo "no route to host"; exit 1');
  expect(await find()).toEqual({ path: null, reason: 'Maven could not fetch it: no route to host' });
  expect(readdirSync(env.QUAYSIDE_CACHE)).toEqual([]);
  rmSync(directory, { recursive: true, force: true });
});
