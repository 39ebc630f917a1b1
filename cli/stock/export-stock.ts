/** `quayside stock export`: what the API lists, as CSV on the standard output, page by page. */
import type { z } from 'zod';
import type { lotSchema } from '../../contracts/lots';
import type { ledgerEntrySchema, stockLevelSchema } from '../../contracts/stock';
import type { adjustmentViewSchema } from '../../contracts/stock-changes';
import { type Cell, csvLine } from '../../documents/csv';
import { openApi } from '../api-client';
import { CommandError } from '../command-error';

export interface ExportFlags {
  readonly sku?: string;
  readonly merchant?: string;
  readonly dataDir?: string;
}

interface Export {
  readonly path: (flags: ExportFlags) => string;
  readonly query: (flags: ExportFlags) => Readonly<Record<string, string | undefined>>;
  readonly header: readonly string[];
  readonly rows: (item: never) => readonly (readonly Cell[])[];
}

const bySku = ({ sku }: ExportFlags) => ({ sku });

const EXPORTS = {
  levels: {
    path: () => '/v1/stock',
    query: bySku,
    header: ['sku', 'warehouse', 'on_hand', 'held', 'reserved', 'available'],
    rows: (item: z.output<typeof stockLevelSchema>) => [
      [item.sku, item.warehouseCode, item.onHand, item.held, item.reserved, item.available],
    ],
  },
  lots: {
    path: () => '/v1/lots',
    query: bySku,
    header: ['sku', 'lot', 'expires_on', 'held', 'on_hand', 'allocated', 'in_transit'],
    rows: (item: z.output<typeof lotSchema>) => [
      [item.sku, item.lotCode, item.expiresOn, item.held, item.onHand, item.allocated, item.inTransit],
    ],
  },
  ledger: {
    path: ({ sku }: ExportFlags) => {
      if (sku === undefined) throw new CommandError('the ledger is exported by SKU: say --sku', 2);
      return `/v1/stock/${encodeURIComponent(sku)}/ledger`;
    },
    query: () => ({}),
    header: [
      'occurred_at',
      'kind',
      'change',
      'quantity',
      'lot',
      'from',
      'to',
      'reason_code',
      'reason',
      'order',
      'actor',
      'cause',
    ],
    rows: (item: z.output<typeof ledgerEntrySchema>) => [
      [
        item.occurredAt,
        item.kind,
        item.change,
        item.quantity,
        item.lotCode,
        item.from.code,
        item.to.code,
        item.reasonCode,
        item.reason,
        item.orderId,
        item.actor,
        item.causeId,
      ],
    ],
  },
  adjustments: {
    path: () => '/v1/stock/adjustments',
    query: () => ({}),
    header: [
      'requested_at',
      'state',
      'warehouse',
      'sku',
      'location',
      'lot',
      'delta',
      'posted',
      'reason_code',
      'reason',
      'requested_by',
      'decided_by',
    ],
    rows: (item: z.output<typeof adjustmentViewSchema>) =>
      item.lines.map((line) => [
        item.requestedAt,
        item.state,
        item.warehouseCode,
        line.sku,
        line.locationCode,
        line.lotCode,
        line.delta,
        line.posted,
        item.reasonCode,
        item.reason,
        item.requestedBy,
        item.decidedBy,
      ]),
  },
} as const satisfies Readonly<Record<string, Export>>;

export const EXPORT_NAMES = Object.keys(EXPORTS);

export async function exportStock(what: string, flags: ExportFlags): Promise<void> {
  if (!Object.hasOwn(EXPORTS, what))
    throw new CommandError(`there is no export "${what}"`, 2, `exports are ${EXPORT_NAMES.join(', ')}`);
  const { path, query, header, rows }: Export = EXPORTS[what as keyof typeof EXPORTS];
  const at = path(flags);
  const api = openApi(flags.dataDir, flags.merchant);
  const items = await api.list<never>(at, query(flags), Number.MAX_SAFE_INTEGER);
  process.stdout.write(csvLine(header));
  for (const item of items) process.stdout.write(rows(item).map(csvLine).join(''));
}
