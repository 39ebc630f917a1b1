/**
 * The life of one order: taken in, labelled as its cartons are closed, shipped, delivered, closed. Keyed
 * by its business key, so an order is one workflow. Everything that happened is in Postgres before this
 * is told; a signal only says "look", so signals may come twice, late or in any order, and an answer that
 * was given stands. A step that can't go on parks the order under a named reason and waits for `resume`;
 * nothing here fails the workflow. Cancelling the workflow in the Temporal UI asks for the order's
 * cancellation, which the floor may have made too late; then it goes on.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  setHandler,
  setWorkflowOptions,
} from '@temporalio/workflow';
import { FAILURE_TYPES } from '../../domain/failure-types';
import { isIntakeReason } from '../../domain/order/check-intake';
import { BLOCKED_REASONS, type BlockedReason } from '../../domain/order/exception-reasons';
import { stepKey } from '../../domain/step-key';
import { attempt, carrierCalls, orderSteps, persist, stepFailure } from '../shared/activity-profiles';
import {
  type ChangeAnswer,
  type ChangeRequest,
  cancelledSignal,
  cancelOrderUpdate,
  deliveredSignal,
  flaggedSignal,
  type OrderInput,
  type OrderResult,
  type OrderView,
  orderStateQuery,
  type PackedAnswer,
  type PackedInput,
  packedUpdate,
  resumeSignal,
  retryOrderUpdate,
  shippedSignal,
  shortedSignal,
} from './order.messages';
import { describe, type OrderStanding, show, showPlanned } from './order-details';

setWorkflowOptions({ versioningBehavior: 'PINNED' }, orderWorkflow);

export async function orderWorkflow(input: OrderInput): Promise<OrderResult> {
  const order = new OrderLife(input);
  order.listen();
  void CancellationScope.current().cancelRequested.catch(() =>
    shielded(() => order.cancel({ actor: 'temporal', reason: 'the workflow was cancelled' })),
  );
  return shielded(async () => {
    await order.takeIn();
    await order.followParts();
    const result = await order.close();
    await condition(allHandlersFinished);
    return result;
  });
}

/**
 * A cancelled workflow is a wish about the order: neither the run nor what it is asked afterwards is
 * cancelled under its steps, for an order that the floor has begun still needs its labels.
 */
const shielded = <T>(work: () => Promise<T>): Promise<T> => CancellationScope.nonCancellable(work);

type Plan = Extract<Awaited<ReturnType<typeof orderSteps.takeIn>>, { kind: 'planned' }>;

class OrderLife {
  private readonly standing: OrderStanding = {
    step: 'Being checked and planned',
    blockedReason: null,
    held: false,
    status: 'accepted',
  };
  /** Fulfilment orders that were planned here, and whether their shipment is posted. */
  private readonly parts = new Map<string, { shipped: boolean }>();
  private readonly toPost: string[] = [];
  private readonly toLabel: PackedInput[] = [];
  private wakings = 0;
  private takeIns = 0;
  private waitingForStock = false;
  private delivered = false;
  private cancelled = false;

  constructor(private readonly input: OrderInput) {}

  /** Every handler, before anything is awaited. */
  listen(): void {
    const wake = () => {
      this.wakings += 1;
    };
    setHandler(resumeSignal, wake);
    setHandler(shortedSignal, wake);
    setHandler(shippedSignal, ({ fulfilmentOrderId }) => {
      const known = this.parts.get(fulfilmentOrderId)?.shipped || this.toPost.includes(fulfilmentOrderId);
      if (!known) this.toPost.push(fulfilmentOrderId);
    });
    setHandler(deliveredSignal, () => {
      this.delivered = true;
    });
    setHandler(cancelledSignal, () => {
      this.cancelled = true;
      wake();
    });
    setHandler(flaggedSignal, (flags) => {
      Object.assign(this.standing, flags);
      show(this.standing);
      describe(this.standing, this.input.orderId);
    });
    setHandler(packedUpdate, (packed) => shielded(() => this.label(packed)), {
      validator: ({ parcelId }) => {
        if (!parcelId) throw ApplicationFailure.nonRetryable('a parcel id is needed', 'InvalidInput');
      },
    });
    setHandler(cancelOrderUpdate, (request) => shielded(() => this.cancel(request)));
    setHandler(retryOrderUpdate, (request) =>
      shielded(() => persist(() => orderSteps.retryOrder({ ...this.input, ...request }))),
    );
    setHandler(orderStateQuery, () => this.view());
    describe(this.standing, this.input.orderId);
  }

  cancel(request: ChangeRequest): Promise<ChangeAnswer> {
    return persist(() => orderSteps.cancelOrder({ ...this.input, ...request }));
  }

  /** Check, route and reserve, again after each waking, until there is a plan. */
  async takeIn(): Promise<void> {
    for (;;) {
      const seen = this.wakings;
      if (this.cancelled || (await this.consider())) return;
      await condition(() => this.wakings > seen || this.cancelled);
    }
  }

  /** What the floor, the carrier and the channels report, until every part has ended. */
  async followParts(): Promise<void> {
    let seen = this.wakings;
    while (!this.cancelled && !(this.delivered && this.toPost.length === 0)) {
      await condition(
        () => this.cancelled || this.delivered || this.toPost.length > 0 || this.wakings > seen,
      );
      const next = this.toPost.shift();
      if (next !== undefined) await this.post(next);
      if (this.wakings === seen || this.cancelled) continue;
      seen = this.wakings;
      const unlabelled = this.toLabel.splice(0);
      for (const packed of unlabelled) await this.label(packed);
      // Stock came or was taken back, a short pick was decided: what is not covered is planned again.
      if (unlabelled.length === 0) await this.consider();
    }
  }

  /** Waits for the channel's word about the tracking, for a closed workflow can't say that it is stuck. */
  async close(): Promise<OrderResult> {
    for (;;) {
      const seen = this.wakings;
      const { outcome } = await this.step(() => orderSteps.closeOrder(this.input));
      if (outcome !== 'waiting') {
        const step = outcome === 'closed' ? 'Closed' : 'Cancelled';
        this.stand(step, { status: outcome, blockedReason: null, held: false });
        return { state: outcome };
      }
      this.stand('Delivered; the channel has not confirmed the tracking yet');
      await condition(() => this.wakings > seen);
    }
  }

  /** One intake. False when the order waits for something and must be woken. */
  private async consider(): Promise<boolean> {
    this.takeIns += 1;
    const { orderId, restart } = this.input;
    const step = restart === undefined ? 'intake' : `intake-${restart}`;
    const request = { ...this.input, stepKey: stepKey(orderId, step, this.takeIns) };
    const outcome = await this.step(() => orderSteps.takeIn(request));
    switch (outcome.kind) {
      case 'check_address':
        return (await this.checkAddress()) && this.consider();
      case 'blocked':
        this.stand(outcome.message, { blockedReason: outcome.reason }, outcome.since);
        return false;
      case 'held':
        this.stand('On hold', { held: true });
        return false;
      case 'planned':
        await this.planned(outcome);
        return true;
      case 'delivered':
        this.delivered = true;
        return true;
      case 'cancelled':
        this.cancelled = true;
        return true;
    }
  }

  private async planned(plan: Plan): Promise<void> {
    for (const part of plan.fulfilmentOrders) this.parts.set(part.id, { shipped: false });
    this.waitingForStock = plan.waiting;
    Object.assign(this.standing, {
      step: 'Being picked and packed',
      status: this.standing.status === 'accepted' ? 'planned' : this.standing.status,
      blockedReason: this.blockedAfter(plan.waiting),
      held: false,
    });
    showPlanned(this.standing, plan.shipBy, plan.fulfilmentOrders[0]?.warehouseId);
    describe(this.standing, this.input.orderId);
    if (plan.fulfilmentOrders.some((part) => part.wms === 'external')) {
      await this.block('wms_rejected', 'No connector for the system of this warehouse is configured.');
    }
  }

  /** A plan takes away what intake waited for, never what a later step waits for. */
  private blockedAfter(waitingForStock: boolean): string | null {
    if (waitingForStock) return 'out_of_stock';
    return isIntakeReason(this.standing.blockedReason) ? null : this.standing.blockedReason;
  }

  /** True when the carrier has judged the address, either way. */
  private async checkAddress(): Promise<boolean> {
    try {
      await carrierCalls.checkAddress(this.input);
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
      await this.block('carrier_unavailable', 'The carrier could not be asked about the address.');
      return false;
    }
  }

  /** Buys the label of a closed carton; what fails is parked and tried again after a waking. */
  private async label(packed: PackedInput): Promise<PackedAnswer> {
    try {
      // The order's id beside the parcel's, for the worker's log.
      const answer = await carrierCalls.buyLabel({ ...this.input, parcelId: packed.parcelId });
      if (answer.outcome === 'labelled') {
        this.stand('Being picked and packed', {
          blockedReason: this.waitingForStock ? 'out_of_stock' : null,
        });
      }
      return answer;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const reason = labelTrouble(error);
      this.toLabel.push(packed);
      await this.block(reason, BLOCKED_REASONS[reason].sentence);
      return { outcome: 'blocked', reason };
    }
  }

  private async post(fulfilmentOrderId: string): Promise<void> {
    const { merchantId } = this.input;
    const posted = await this.step(() => orderSteps.postShipment({ merchantId, fulfilmentOrderId }));
    if (posted.outcome === 'not_shipped') return;
    this.parts.set(fulfilmentOrderId, { shipped: true });
    const all = posted.orderState !== 'partly_shipped';
    if (all) this.stand('On its way to the customer', { status: 'shipped' });
    else this.stand('Partly shipped', { status: 'partly_shipped' });
  }

  /** Runs a database step; one that can't be done parks the order, and is tried again after each waking. */
  private async step<T>(run: () => Promise<T>): Promise<T> {
    for (let parked = false; ; parked = true) {
      const seen = this.wakings;
      try {
        const done = await attempt(run);
        if (parked) await this.unblock('step_failed');
        return done;
      } catch (error) {
        const failure = stepFailure(error);
        if (failure === null) throw error;
        await this.block('step_failed', stepTrouble(failure));
        await condition(() => this.wakings > seen);
      }
    }
  }

  private async unblock(reason: BlockedReason): Promise<void> {
    await persist(() => orderSteps.unblockOrder({ ...this.input, reason }));
    if (this.standing.blockedReason === reason) this.stand(this.standing.step, { blockedReason: null });
  }

  private async block(reason: BlockedReason, message: string): Promise<void> {
    const { since } = await persist(() =>
      orderSteps.blockOrder({ ...this.input, reason, message, subject: '' }),
    );
    if (since !== null) this.stand(BLOCKED_REASONS[reason].sentence, { blockedReason: reason }, since);
  }

  /** Shows where the order is: the details always, the search attributes when what they say changed. */
  private stand(step: string, change: Partial<OrderStanding> = {}, since?: string): void {
    const { status, blockedReason } = this.standing;
    Object.assign(this.standing, { step, ...change });
    describe(this.standing, this.input.orderId);
    if (status !== this.standing.status || blockedReason !== this.standing.blockedReason)
      show(this.standing, since);
  }

  private view(): OrderView {
    const { step, blockedReason, held } = this.standing;
    const fulfilmentOrders = [...this.parts].map(([id, part]) => ({ id, shipped: part.shipped }));
    return { orderId: this.input.orderId, step, blockedReason, held, fulfilmentOrders };
  }
}

/** Our own failures say what is wrong, without a person's data; what others say may repeat a row. */
function stepTrouble({ type, message }: ApplicationFailure): string {
  const ours = typeof type === 'string' && Object.hasOwn(FAILURE_TYPES, type);
  return ours
    ? `${type}: ${message}`
    : `An unexpected error (${type ?? 'unknown'}); the worker's log says more.`;
}

/** Which blocked reason a failed purchase means. */
function labelTrouble(error: unknown): BlockedReason {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const type = cause instanceof ApplicationFailure ? cause.type : undefined;
  if (type === 'PartnerOutcomeUnknown') return 'label_outcome_unknown';
  return type === 'AddressUndeliverable' ? 'address_invalid' : 'carrier_unavailable';
}
