/**
 * What a worker says of each step it runs: a line in the log and a measured time, from one interceptor
 * around all activities. The line names the step, its order and its workflow, and of a failure the type
 * alone: a partner's words may repeat an address, and they stand in the order's exception anyway.
 */
import type { Info } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { type Logger, metrics, orderFields } from '../telemetry';

export function observeSteps(log: Logger): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const began = performance.now();
        const ended = (outcome: 'done' | 'failed' | 'crashed', failure?: string): void => {
          const seconds = (performance.now() - began) / 1000;
          metrics.stepSeconds.observe({ step: info.activityType, outcome }, seconds);
          const line = { ...fieldsOf(info, input.args[0]), outcome, ms: Math.round(seconds * 1000) };
          if (failure === undefined) log.info(line, 'step');
          else log.warn({ ...line, failure }, 'step');
        };
        try {
          const result = await next(input);
          ended('done');
          return result;
        } catch (error) {
          // A failure of ours has a type and a way on; anything else is a fault in the program.
          if (error instanceof ApplicationFailure) ended('failed', error.type ?? error.name);
          else ended('crashed', error instanceof Error ? error.name : 'not an error');
          throw error;
        }
      },
    },
  });
}

function fieldsOf(info: Info, request: unknown) {
  const { orderId } = (request ?? {}) as { readonly orderId?: unknown };
  const { workflowId, runId } = info.workflowExecution ?? {};
  return {
    ...(typeof orderId === 'string' ? orderFields(orderId) : {}),
    workflowId,
    runId,
    step: info.activityType,
    attempt: info.attempt,
  };
}
