/** What a bug does to a workflow: it throws a plain error, so its task fails for ever. */
export async function orderWorkflow(): Promise<void> {
  throw new Error('a bug');
}
