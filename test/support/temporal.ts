/** The run's Temporal server. Files keep apart by task queues and workflow ids of their own. */
import { testServers } from './servers';

export function testTemporal(): { readonly address: string; readonly namespace: string } {
  const { temporalAddress, temporalNamespace } = testServers();
  return { address: temporalAddress, namespace: temporalNamespace };
}
