/**
 * The life of one work order: its parts are set apart, what people report as done is posted step by step,
 * and in the end what is not used is for sale again. Keyed by its id. Everything that happened is a row
 * before this is told, and each step looks at the rows, so signals may come twice, late or in any order.
 * What is short waits for stock; what fails waits for a person; nothing here fails the workflow. Cancelling
 * it in the Temporal UI asks for the work order's cancellation: what is reported by then is still posted.
 */
import {
  type ApplicationFailure,
  CancellationScope,
  condition,
  setCurrentDetails,
  setHandler,
  setWorkflowOptions,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { FAILURE_TYPES } from '../../domain/failure-types';
import { attempt, persist, stepFailure, workOrderSteps } from '../shared/activity-profiles';
import { BLOCKED_REASON, BLOCKED_SINCE, WORK_ORDER_STATUS } from '../shared/search-attributes';
import {
  lookSignal,
  type WorkOrderInput,
  type WorkOrderResult,
  workOrderStateQuery,
} from './work-order.messages';

setWorkflowOptions({ versioningBehavior: 'PINNED' }, workOrderWorkflow);

export async function workOrderWorkflow(input: WorkOrderInput): Promise<WorkOrderResult> {
  const work = new WorkOrderLife(input);
  work.listen();
  void CancellationScope.current().cancelRequested.catch(() =>
    CancellationScope.nonCancellable(() => work.cancel()),
  );
  return CancellationScope.nonCancellable(() => work.run());
}

type Outlook = Awaited<ReturnType<typeof workOrderSteps.reserveParts>>;

class WorkOrderLife {
  private looks = 0;
  private step = 'Its parts are being set apart';
  private status = 'planned';
  private built = 0;
  private planned = 0;
  private blockedReason: string | null = null;

  constructor(private readonly input: WorkOrderInput) {}

  /** Every handler, before anything is awaited. */
  listen(): void {
    setHandler(lookSignal, () => {
      this.looks += 1;
    });
    setHandler(workOrderStateQuery, () => {
      const { step, built, planned, blockedReason } = this;
      return { workOrderId: this.input.workOrderId, step, built, planned, blockedReason };
    });
    this.describe();
  }

  async cancel(): Promise<void> {
    await persist(() =>
      workOrderSteps.cancelWorkOrder({
        ...this.input,
        actor: 'temporal',
        reason: 'the workflow was cancelled',
      }),
    );
    this.looks += 1;
  }

  async run(): Promise<WorkOrderResult> {
    for (;;) {
      const seen = this.looks;
      const outlook = await this.try(() => workOrderSteps.reserveParts(this.input));
      const posted = await this.post(outlook);
      if (posted && outlook.ends) {
        const closed = await this.try(() => workOrderSteps.closeWorkOrder(this.input));
        if (closed.outcome === 'ended') return this.end(closed);
      }
      // After a step the rest may need more to be set apart, for something broke.
      if (posted && (outlook.steps.length > 0 || outlook.ends)) continue;
      await condition(() => this.looks > seen);
    }
  }

  /** Posts what was reported, in its order. False when something is short for it. */
  private async post(outlook: Outlook): Promise<boolean> {
    this.planned = outlook.planned;
    this.built = outlook.built;
    if (outlook.short !== null) {
      this.show('Waiting for parts', { reason: 'work_order_short', ...outlook.short });
      return true;
    }
    for (const number of outlook.steps) {
      const posted = await this.try(() => workOrderSteps.postWorkOrderStep({ ...this.input, number }));
      if (posted.outcome === 'short') {
        this.show('Waiting for parts', { reason: 'work_order_short', ...posted });
        return false;
      }
      this.built = posted.built;
    }
    if (!outlook.ends) this.show('Being worked on', null, this.built > 0 ? 'in_progress' : 'reserved');
    return true;
  }

  private end({ state, built }: WorkOrderResult): WorkOrderResult {
    this.built = built;
    this.show(state === 'done' ? 'Done' : 'Cancelled', null, state);
    return { state, built };
  }

  /** Runs a database step; one that fails by itself is shown to a person and tried again after each look. */
  private async try<T>(run: () => Promise<T>): Promise<T> {
    for (;;) {
      const seen = this.looks;
      try {
        return await attempt(run);
      } catch (error) {
        const failure = stepFailure(error);
        if (failure === null) throw error;
        const message = inWords(failure);
        const { since } = await persist(() => workOrderSteps.failWorkOrder({ ...this.input, message }));
        if (since !== null) this.show('A step fails', { reason: 'work_order_failed', message, since });
        await condition(() => this.looks > seen);
      }
    }
  }

  private show(
    step: string,
    blocked: { readonly reason: string; readonly message: string; readonly since: string } | null,
    status = this.status,
  ): void {
    const changed = status !== this.status || (blocked?.reason ?? null) !== this.blockedReason;
    this.step = step;
    this.status = status;
    this.blockedReason = blocked?.reason ?? null;
    this.describe(blocked?.message);
    if (!changed) return;
    upsertSearchAttributes([
      { key: WORK_ORDER_STATUS, value: status },
      { key: BLOCKED_REASON, value: this.blockedReason },
      { key: BLOCKED_SINCE, value: blocked === null ? null : new Date(blocked.since) },
    ]);
  }

  /** Costs no event. */
  private describe(blocked?: string): void {
    const lines = [`**${this.step}**`];
    if (this.planned > 0) lines.push(`${this.built} of ${this.planned} are made.`);
    if (blocked !== undefined)
      lines.push(
        `Blocked: \`${this.blockedReason}\`. ${blocked}`,
        `To try again now: \`npx quayside work-orders retry ${this.input.workOrderId}\`.`,
      );
    setCurrentDetails(lines.join('\n\n'));
  }
}

/** Our own failures say what is wrong, without a person's data; what others say may repeat a row. */
function inWords({ type, message }: ApplicationFailure): string {
  const ours = typeof type === 'string' && Object.hasOwn(FAILURE_TYPES, type);
  return ours ? `${type}: ${message}` : `An unexpected error (${type ?? 'unknown'}); see the worker's log.`;
}
