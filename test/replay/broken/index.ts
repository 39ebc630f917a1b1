/** The order workflow with a step that no recorded order ever took: what a careless change looks like. */
import { sleep } from '@temporalio/workflow';
import { orderWorkflow as real } from '../../../workflows';

export async function orderWorkflow(input: Parameters<typeof real>[0]): ReturnType<typeof real> {
  await sleep('1 minute');
  return real(input);
}
