/** Links into the Temporal UI, where a stuck order can be read without opening code. */

/** Orders that wait for somebody. */
export const STUCK_QUERY = 'BlockedReason IS NOT NULL';

export function workflowListUrl(uiUrl: string, namespace: string, query: string): string {
  return `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows?query=${encodeURIComponent(query)}`;
}

/** One order's workflow, whose run the UI finds by itself. */
export function workflowUrl(uiUrl: string, namespace: string, workflowId: string): string {
  return `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
}
