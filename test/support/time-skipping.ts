/**
 * The Java test server that skips time, for tests that wait for days; it knows no visibility and no
 * worker versions. `npm test` looks for it once a run. Absent (no Java, or no way to fetch it), the
 * tests that need it are left out through `itIf`.
 */
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { TimeSkippingServer } from '../../provision/time-skipping';
import { itIf } from './skip';

/** A test with a time-skipping server of its own, up in about 2 s and gone afterwards. */
export function itWithTimeSkipping(
  name: string,
  run: (environment: TestWorkflowEnvironment) => Promise<void>,
): void {
  const server = found();
  itIf(server.path !== null, `no time-skipping server: ${server.path ?? server.reason}`)(name, async () => {
    if (server.path === null) return;
    const executable = { type: 'existing-path', path: server.path } as const;
    const environment = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
    try {
      await run(environment);
    } finally {
      await environment.teardown();
    }
  });
}

function found(): TimeSkippingServer {
  const text = process.env.QUAYSIDE_TEST_TIME_SKIPPING;
  if (text === undefined) return { path: null, reason: 'the run was started without servers' };
  return JSON.parse(text) as TimeSkippingServer;
}
