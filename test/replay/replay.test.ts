import path from 'node:path';
import { bundleWorkflowCode, Runtime, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { dataConverter } from '../../temporal/client';
import { createPayloadCodec } from '../../temporal/payload-codec';
import { RECORDING_KEY, recordedHistories } from '../support/histories';

const [id, key] = RECORDING_KEY.split(':') as [string, string];
const codec = createPayloadCodec([{ id, key: Buffer.from(key, 'base64') }]);
const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

beforeAll(() => {
  // The broken workflow fails on purpose, and the native core would warn about each time.
  Runtime.install({ logger: quiet, telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } } });
});

async function replay(workflowsPath: string): Promise<{ replayed: number; failed: string[] }> {
  const workflowBundle: WorkflowBundleOption = await bundleWorkflowCode({ workflowsPath, logger: quiet });
  const results = Worker.runReplayHistories(
    { workflowBundle, dataConverter: dataConverter(codec) },
    recordedHistories(),
  );
  const outcome = { replayed: 0, failed: [] as string[] };
  for await (const result of results) {
    outcome.replayed += 1;
    if (result.error) outcome.failed.push(`${result.workflowId}: ${result.error.message}`);
  }
  return outcome;
}

describe('recorded histories', () => {
  it('replay on the present workflow code, every branch of them', async () => {
    const { replayed, failed } = await replay(path.resolve(__dirname, '../../workflows/index.ts'));
    expect(failed).toEqual([]);
    expect(replayed).toBeGreaterThanOrEqual(8);
  }, 60_000);

  it('are told apart from a workflow that takes another step', async () => {
    const { replayed, failed } = await replay(path.resolve(__dirname, 'broken/index.ts'));
    expect(failed).toHaveLength(replayed);
  }, 60_000);
});
