/**
 * Why an order (or a delivery, or a workflow) waits for somebody, as data: who owns it, by when, in
 * words a person understands, what frees it by itself, and what a person may do. A blocked reason is
 * one that an order's own path can stop at; the other reasons are found beside it. Deadlines are
 * defaults in minutes of business time from the moment it was opened; past it the exception escalates,
 * it never expires.
 */

export const EXCEPTION_OWNERS = ['operator', 'merchant', 'floor', 'integrator'] as const;
export type ExceptionOwner = (typeof EXCEPTION_OWNERS)[number];

/** What a person may do; each is audited. `resolve` closes it by hand with a note and changes nothing else. */
export const EXCEPTION_ACTIONS = ['retry', 'skip', 'resolve', 'reroute', 'cancel'] as const;
export type ExceptionAction = (typeof EXCEPTION_ACTIONS)[number];

/** Facts that wake a blocked order without anybody asking for it. */
export const RESUME_EVENTS = [
  'payment_updated',
  'address_corrected',
  'sku_mapped',
  'shipping_method_mapped',
  'customs_data_added',
  'stock_arrived',
  'routing_changed',
  'carrier_answered',
  'label_looked_up',
  'wms_answered',
  'short_pick_decided',
  'channel_told',
  'tried_again',
] as const;
export type ResumeEvent = (typeof RESUME_EVENTS)[number];

export interface ReasonRow {
  readonly owner: ExceptionOwner;
  readonly deadlineMinutes: number;
  /** One sentence for a person who has never seen the code. */
  readonly sentence: string;
  /** What frees it, for a person; the facts that do so by themselves are in `resumesOn`. */
  readonly resumes: string;
  readonly resumesOn: readonly ResumeEvent[];
  readonly actions: readonly ExceptionAction[];
}

const HOUR = 60;
const DAY = 24 * HOUR;

export const BLOCKED_REASONS = {
  payment_pending: {
    owner: 'merchant',
    // Bank transfers and pay-later checks settle within two days; after that somebody should ask.
    deadlineMinutes: 2 * DAY,
    sentence: "The order isn't paid as this merchant requires.",
    resumes: 'Continues by itself when the channel says that the payment is authorised or captured.',
    resumesOn: ['payment_updated'],
    actions: ['retry', 'cancel'],
  },
  address_invalid: {
    owner: 'merchant',
    // The customer has to be asked, which takes a working day.
    deadlineMinutes: DAY,
    sentence: "The ship-to address is incomplete or can't be delivered to.",
    resumes: 'Continues by itself when the address is corrected.',
    resumesOn: ['address_corrected'],
    actions: ['retry', 'cancel'],
  },
  unmapped_sku: {
    owner: 'merchant',
    deadlineMinutes: 4 * HOUR,
    sentence: "A line's SKU is no product of this merchant and has no alias.",
    resumes: 'Continues by itself when the SKU is mapped to a product.',
    resumesOn: ['sku_mapped'],
    actions: ['retry', 'cancel'],
  },
  unmapped_shipping_method: {
    owner: 'operator',
    deadlineMinutes: 4 * HOUR,
    sentence: 'The shipping method that the customer chose maps to no service level.',
    resumes: 'Continues by itself when the shipping method is mapped.',
    resumesOn: ['shipping_method_mapped'],
    actions: ['retry', 'cancel'],
  },
  customs_data_missing: {
    owner: 'merchant',
    deadlineMinutes: DAY,
    sentence: 'The parcel crosses a border and something that customs need is missing.',
    resumes: 'Continues by itself when the HS code, origin, value, weight, incoterm or tax id is added.',
    resumesOn: ['customs_data_added'],
    actions: ['retry', 'cancel'],
  },
  out_of_stock: {
    owner: 'merchant',
    // Purchase orders take days; the merchant decides within one whether to wait.
    deadlineMinutes: DAY,
    sentence: "There isn't enough sellable stock for this order.",
    resumes: 'Continues by itself when stock arrives by receipt, return or adjustment.',
    resumesOn: ['stock_arrived'],
    actions: ['retry', 'reroute', 'cancel'],
  },
  no_warehouse: {
    owner: 'operator',
    // Somebody closed the last warehouse or wrote a rule that leaves none; the day's orders wait for it.
    deadlineMinutes: 4 * HOUR,
    sentence: "No open warehouse may ship this order under the merchant's routing rules.",
    resumes: 'Continues by itself when a warehouse opens or the rules change.',
    resumesOn: ['routing_changed'],
    actions: ['retry', 'cancel'],
  },
  carrier_unavailable: {
    owner: 'operator',
    // A carrier's outage is tried again all the while; an hour still leaves most cut-offs reachable.
    deadlineMinutes: HOUR,
    sentence: 'No carrier sells a label for this parcel at the moment.',
    resumes: 'Continues by itself when the carrier answers again.',
    resumesOn: ['carrier_answered'],
    actions: ['retry', 'reroute', 'cancel'],
  },
  label_outcome_unknown: {
    owner: 'operator',
    // Look-ups run all the while; half an hour of doubt is more than a carrier's index lags behind.
    deadlineMinutes: 30,
    sentence: 'A label may or may not have been bought, and the carrier has not said which.',
    resumes: 'Continues by itself when a look-up by reference finds the label, or its absence.',
    resumesOn: ['label_looked_up'],
    actions: ['retry', 'resolve', 'cancel'],
  },
  wms_rejected: {
    owner: 'operator',
    deadlineMinutes: 2 * HOUR,
    sentence: 'The warehouse system refused the release.',
    resumes: 'Continues when it is released again, to this warehouse or to another one.',
    resumesOn: ['wms_answered'],
    actions: ['retry', 'reroute', 'cancel'],
  },
  short_pick: {
    owner: 'floor',
    // Somebody stands at the bin; the decision is due while the wave is still out.
    deadlineMinutes: HOUR,
    sentence: 'The picker found less in the bin than the system said.',
    resumes: 'Continues when a person decides, or when stock for the rest is found or arrives.',
    resumesOn: ['short_pick_decided', 'stock_arrived'],
    actions: ['retry', 'reroute', 'skip', 'cancel'],
  },
  channel_update_failed: {
    owner: 'integrator',
    deadlineMinutes: 4 * HOUR,
    sentence: "The sales channel wouldn't take the tracking number.",
    resumes: 'Continues by itself when the channel takes the update; otherwise retry it or skip it.',
    resumesOn: ['channel_told'],
    actions: ['retry', 'skip', 'resolve'],
  },
  step_failed: {
    owner: 'integrator',
    // Nothing outside can mend it, so somebody should look while the day's cut-off can still be met.
    deadlineMinutes: HOUR,
    sentence:
      'A step of this order fails although nothing outside is missing: the books or the code are wrong.',
    resumes: 'Tried again five times within half an hour; after that retry it once the cause is mended.',
    resumesOn: ['tried_again'],
    actions: ['retry', 'cancel'],
  },
} as const satisfies Readonly<Record<string, ReasonRow>>;

export type BlockedReason = keyof typeof BLOCKED_REASONS;

export const EXCEPTION_REASONS = {
  ...BLOCKED_REASONS,
  parcel_lost: {
    owner: 'operator',
    deadlineMinutes: DAY,
    sentence: 'The carrier says that the parcel is lost.',
    resumes: 'Resolved when it is delivered after all, or by hand after a claim or a replacement.',
    resumesOn: [],
    actions: ['resolve'],
  },
  parcel_damaged: {
    owner: 'operator',
    deadlineMinutes: DAY,
    sentence: 'The carrier says that the parcel is damaged.',
    resumes: 'Resolved by hand after a claim or a replacement.',
    resumesOn: [],
    actions: ['resolve'],
  },
  returned_to_sender: {
    owner: 'operator',
    deadlineMinutes: 2 * DAY,
    sentence: 'The carrier is bringing the parcel back.',
    resumes: 'Resolved by hand once the goods are received and the customer is answered.',
    resumesOn: [],
    actions: ['resolve'],
  },
  delivery_failed: {
    owner: 'merchant',
    // Most carriers try again within two working days.
    deadlineMinutes: 2 * DAY,
    sentence: 'The carrier could not hand over the parcel.',
    resumes: 'Resolved by itself when it is delivered; else correct the address with the carrier.',
    resumesOn: [],
    actions: ['resolve'],
  },
  label_not_voided: {
    owner: 'operator',
    // Asked again every day, many a refusal is taken back; then somebody should claim the money.
    deadlineMinutes: 3 * DAY,
    sentence: "The carrier hasn't refunded a label that nobody will use.",
    resumes: 'Resolved by itself when the carrier refunds it; retry asks at once, resolve accepts the cost.',
    resumesOn: [],
    actions: ['retry', 'resolve'],
  },
  outbox_dead: {
    owner: 'integrator',
    deadlineMinutes: 4 * HOUR,
    sentence: 'A message could not be delivered after all its attempts.',
    resumes: 'Retry it once the receiver is well again, or skip it.',
    resumesOn: [],
    actions: ['retry', 'skip', 'resolve'],
  },
  workflow_missing: {
    owner: 'integrator',
    deadlineMinutes: 15,
    sentence: 'An accepted order has no running workflow.',
    resumes: 'Retry starts it again under the same id.',
    resumesOn: [],
    actions: ['retry', 'cancel'],
  },
  workflow_failing: {
    owner: 'integrator',
    deadlineMinutes: 15,
    sentence: "A workflow's task keeps failing, so nothing moves although it shows as running.",
    resumes: 'Resolved by itself after a build that gets past it; retry asks for a new attempt.',
    resumesOn: [],
    actions: ['retry', 'resolve', 'cancel'],
  },
  past_deadline: {
    owner: 'operator',
    deadlineMinutes: 4 * HOUR,
    sentence: 'The order has been in the same state for longer than it should.',
    resumes: 'Resolved by itself when the order moves on.',
    resumesOn: [],
    actions: ['retry', 'reroute', 'resolve', 'cancel'],
  },
  order_unreadable: {
    owner: 'integrator',
    deadlineMinutes: 4 * HOUR,
    sentence: 'A channel sent an order that could not be read; its text is kept.',
    resumes: 'Retry reads it again after the mapping was corrected; resolve when it is no order.',
    resumesOn: [],
    actions: ['retry', 'resolve'],
  },
  listing_parked: {
    owner: 'merchant',
    // The shop sells on with the last quantity that it took.
    deadlineMinutes: 4 * HOUR,
    sentence:
      'A sales channel refuses the quantity of a listing for good, so its stock is no longer told there.',
    resumes: 'Resolved by itself when the listing is released or removed, after it was put right.',
    resumesOn: [],
    actions: ['resolve'],
  },
  stock_sync_failing: {
    owner: 'integrator',
    // Every minute a shop may sell what is gone.
    deadlineMinutes: HOUR,
    sentence: 'A sales channel takes no stock quantities at the moment.',
    resumes: 'Resolved by itself when the channel takes quantities again.',
    resumesOn: [],
    actions: ['resolve'],
  },
  carrier_message_unreadable: {
    owner: 'integrator',
    // Where parcels are and how voids end is polled as well; what is lost meanwhile is promptness.
    deadlineMinutes: DAY,
    sentence: "A carrier sent a message that couldn't be read; its text is kept.",
    resumes: 'Retry reads it again after the connector was mended; resolve when it is of no use.',
    resumesOn: [],
    actions: ['retry', 'resolve'],
  },
  write_off_short: {
    owner: 'operator',
    deadlineMinutes: DAY,
    sentence: 'More units were to be written off than the warehouse has.',
    resumes: 'Resolved by hand after a count.',
    resumesOn: ['stock_arrived'],
    actions: ['retry', 'resolve'],
  },
  adjustment_approval: {
    owner: 'operator',
    // Whoever stands at the shelf works with wrong figures until it is decided.
    deadlineMinutes: 4 * HOUR,
    sentence: "A stock correction is above the merchant's limit and waits for a second person.",
    resumes: 'Resolved when the correction is approved or rejected.',
    resumesOn: [],
    actions: ['resolve'],
  },
  count_by_hand: {
    owner: 'operator',
    // The units that are missing may be promised to somebody by their numbers.
    deadlineMinutes: 4 * HOUR,
    sentence: 'A count found another number of units than the books say, and the units have serial numbers.',
    resumes: 'Resolved by hand once a correction has named the units that are there or gone.',
    resumesOn: [],
    actions: ['resolve'],
  },
  work_order_short: {
    owner: 'operator',
    // Parts come with the next deliveries; within a day somebody decides whether to wait for them.
    deadlineMinutes: DAY,
    sentence: 'Parts of a work order are missing or promised to orders.',
    resumes: 'Continues by itself when they come free; or finish it with what is made, or cancel it.',
    resumesOn: ['stock_arrived'],
    actions: ['retry', 'cancel'],
  },
  work_order_failed: {
    owner: 'integrator',
    deadlineMinutes: HOUR,
    sentence: 'A step of a work order fails although nothing is short: the books or the code are wrong.',
    resumes: 'Retry it once the cause is mended.',
    resumesOn: ['tried_again'],
    actions: ['retry', 'cancel'],
  },
  lot_recalled: {
    owner: 'operator',
    // Customers who have the goods are to hear of it within the working day.
    deadlineMinutes: 8 * HOUR,
    sentence: 'A lot is recalled: nothing of it leaves, and some of it may have left.',
    resumes: 'Resolved when the recall is lifted, or by hand once its goods and customers are dealt with.',
    resumesOn: [],
    actions: ['resolve'],
  },
} as const satisfies Readonly<Record<string, ReasonRow>>;

export type ExceptionReason = keyof typeof EXCEPTION_REASONS;

export function isBlockedReason(text: string): text is BlockedReason {
  return Object.hasOwn(BLOCKED_REASONS, text);
}

export function isExceptionReason(text: string): text is ExceptionReason {
  return Object.hasOwn(EXCEPTION_REASONS, text);
}

/** The row of a reason, with its arrays widened so that callers can search them. */
export function exceptionReason(reason: ExceptionReason): ReasonRow {
  return EXCEPTION_REASONS[reason];
}

/** Whether a person may do `action` to an exception of this reason. */
export function allowsAction(reason: ExceptionReason, action: ExceptionAction): boolean {
  return exceptionReason(reason).actions.includes(action);
}
