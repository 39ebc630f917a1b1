/**
 * The Java test server that skips time, for tests that wait for days; it knows no visibility and no
 * worker versions. `npm test` looks for it once a run. Absent (no Java, or no way to fetch it), the
 * tests that need it are left out through `describeIf`.
 */
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { TimeSkippingServer } from '../../provision/time-skipping';
import { describeIf } from './skip';

/** `describe` where the server can be had. */
export function describeWithTimeSkipping(): jest.Describe {
  const server = found();
  return describeIf(
    server.path !== null,
    `no time-skipping server: ${server.path === null ? server.reason : ''}`,
  );
}

/** A server of one's own, up in about 2 s; the caller tears it down. */
export async function timeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  const { path } = found();
  if (path === null)
    throw new Error('no time-skipping server: put the tests under describeWithTimeSkipping()');
  return await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
}

function found(): TimeSkippingServer {
  const text = process.env.QUAYSIDE_TEST_TIME_SKIPPING;
  if (text === undefined) return { path: null, reason: 'the run was started without servers' };
  return JSON.parse(text) as TimeSkippingServer;
}
