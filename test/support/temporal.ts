/**
 * The run's Temporal server. A file that runs workers gets a namespace of its own, so that the engine's
 * real task queues can be used without meeting another file's workers.
 */
import { randomBytes } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { registerSearchAttributes } from '../../provision/temporal';
import { SEARCH_ATTRIBUTES } from '../../workflows/shared/search-attributes';
import { testServers } from './servers';

export interface TestTemporal {
  readonly address: string;
  readonly namespace: string;
}

/** The default namespace, shared by all: for tests that run no workers. */
export function testTemporal(): TestTemporal {
  const { temporalAddress, temporalNamespace } = testServers();
  return { address: temporalAddress, namespace: temporalNamespace };
}

/** A new namespace with the search attributes; it goes with the server. */
export async function testNamespace(): Promise<TestTemporal> {
  const { address } = testTemporal();
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: (24 * 3600) as unknown as Long },
    });
  } finally {
    await connection.close();
  }
  await registerSearchAttributes(address, SEARCH_ATTRIBUTES, namespace);
  return { address, namespace };
}

/** protobuf's type for 64-bit integers; a number is accepted. */
type Long = never;
