/**
 * Recorded histories: what orders really went through, kept to be replayed on every build. With
 * `QUAYSIDE_RECORD_HISTORIES=1` (`npm run replay:record`) each engine of the workflow tests leaves the
 * histories of its orders here, one for each distinct sequence of events.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Client } from '@temporalio/client';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';

import { findTemporalBinary } from '../../provision/temporal-binary';
import type { TestTemporal } from './temporal';

export const HISTORIES = path.resolve(__dirname, '../replay/histories');

/** Histories are recorded under this key, so that they can be replayed anywhere. */
export const RECORDING_KEY = `recorded:${Buffer.alloc(32, 7).toString('base64')}`;

export const isRecording = () => process.env.QUAYSIDE_RECORD_HISTORIES === '1';

type History = ReturnType<typeof historyFromJSON>;

const run = promisify(execFile);

/** What makes two histories the same branch: the types of their events in order. */
function branchOf(json: string): string {
  const { events } = JSON.parse(json) as { events: { eventType: string }[] };
  const types = events.map((event) => event.eventType).join(' ');
  return createHash('sha256').update(types).digest('hex').slice(0, 12);
}

/** Keeps the histories of all workflows of the namespace whose branch is not there yet, as Temporal's own CLI shows them. */
export async function recordHistories(client: Client, { address, namespace }: TestTemporal): Promise<void> {
  mkdirSync(HISTORIES, { recursive: true });
  const binary = await findTemporalBinary({ log: () => undefined });
  for await (const { workflowId } of client.workflow.list()) {
    const where = ['--workflow-id', workflowId, '--address', address, '--namespace', namespace];
    const { stdout } = await run(binary, ['workflow', 'show', ...where, '--output', 'json'], {
      maxBuffer: 1 << 26,
    });
    const kind = workflowId.slice(0, workflowId.indexOf(':'));
    const file = path.join(HISTORIES, `${kind}-${branchOf(stdout)}.json.gz`);
    if (!existsSync(file)) writeFileSync(file, gzipSync(JSON.stringify(JSON.parse(stdout)), { level: 9 }));
  }
}

export function* recordedHistories(): Generator<{ workflowId: string; history: History }> {
  for (const name of readdirSync(HISTORIES).filter((file) => file.endsWith('.json.gz'))) {
    const json: unknown = JSON.parse(gunzipSync(readFileSync(path.join(HISTORIES, name))).toString('utf8'));
    yield { workflowId: name.replace('.json.gz', ''), history: historyFromJSON(json) };
  }
}
