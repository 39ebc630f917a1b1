/** What the Temporal UI shows of an order, in the words of the console: no code needs to be opened. */
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { BLOCKED_REASONS, type BlockedReason } from '../../domain/order/exception-reasons';
import {
  BLOCKED_REASON,
  BLOCKED_SINCE,
  ORDER_STATUS,
  SHIP_BY,
  WAREHOUSE_ID,
} from '../shared/search-attributes';

export interface OrderStanding {
  /** The process's own word for where it is. */
  step: string;
  blockedReason: string | null;
  held: boolean;
  /** The order's state as last shown. */
  status: string;
}

function isBlockedReason(reason: string): reason is BlockedReason {
  return Object.hasOwn(BLOCKED_REASONS, reason);
}

/** Costs no event. */
export function describe(standing: OrderStanding, orderId: string): void {
  const lines = [`**${standing.step}**`];
  if (standing.held) lines.push('On hold: release the hold to go on.');
  if (standing.blockedReason !== null && isBlockedReason(standing.blockedReason)) {
    const row = BLOCKED_REASONS[standing.blockedReason];
    lines.push(
      `Blocked: \`${standing.blockedReason}\`. ${row.sentence}`,
      `Owner: ${row.owner}. ${row.resumes}`,
      `To try again now: \`npx quayside orders retry ${orderId}\`, or the update \`retryOrder\` on this page.`,
    );
  }
  setCurrentDetails(lines.join('\n\n'));
}

/** One event: the attributes that lists and links filter by. */
export function show(standing: OrderStanding, since?: string): void {
  upsertSearchAttributes([
    { key: ORDER_STATUS, value: standing.status },
    { key: BLOCKED_REASON, value: standing.blockedReason },
    {
      key: BLOCKED_SINCE,
      value: standing.blockedReason === null || since === undefined ? null : new Date(since),
    },
  ]);
}

/** One event: the plan, with which the order is no longer blocked. */
export function showPlanned(
  standing: OrderStanding,
  shipBy: string | null,
  warehouseId: string | undefined,
): void {
  upsertSearchAttributes([
    { key: ORDER_STATUS, value: standing.status },
    { key: BLOCKED_REASON, value: standing.blockedReason },
    ...(shipBy === null ? [] : [{ key: SHIP_BY, value: new Date(shipBy) }]),
    ...(warehouseId === undefined ? [] : [{ key: WAREHOUSE_ID, value: warehouseId }]),
  ]);
}
