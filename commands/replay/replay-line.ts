/** A line of a replayed file as the row that keeps it, and the cause of what it moves in the ledger. */
import type { ReplayLineRow } from '../../db/replay.repo';
import type { RetailInvoice, RetailLine } from '../../domain/retail/online-retail';
import { REPLAY_SOURCE } from './open-replay-merchant';

/** Once a merchant and line: the same line again moves nothing. */
export function replayLineCause(invoice: RetailInvoice, line: RetailLine): string {
  return `${REPLAY_SOURCE}:${invoice.invoiceNo}:${line.lineNo}`;
}

export function replayLineOf(invoice: RetailInvoice, line: RetailLine): ReplayLineRow {
  return {
    invoice_no: invoice.invoiceNo,
    line_no: line.lineNo,
    invoice_kind: invoice.kind,
    kind: kindOf(invoice, line),
    sku: line.code,
    description: line.description,
    quantity: line.quantity,
    amount_minor: line.amountPence.toString(),
    customer_external_id: invoice.customerId,
    occurred_at: invoice.placedAt,
    outcome: null,
    order_id: null,
  };
}

function kindOf(invoice: RetailInvoice, line: RetailLine): ReplayLineRow['kind'] {
  if (!line.isGoods) return 'service';
  if (invoice.kind === 'credit') return 'credit';
  return invoice.kind === 'order' && line.quantity > 0 ? 'sale' : 'write_off';
}
