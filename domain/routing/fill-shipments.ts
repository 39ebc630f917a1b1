/** From lines to what they need of each product, and from what each warehouse ships back to lines. */
import { groupBy } from '../group-by';
import type { PlanLine, PlannedShipment } from './snapshot';

export interface Demand {
  readonly productId: string;
  readonly quantity: number;
}

/** @throws RangeError when a quantity is not a positive whole number. */
export function demandOf(lines: readonly PlanLine[]): Demand[] {
  const byProduct = new Map<string, number>();
  for (const { productId, quantity } of lines) {
    if (!Number.isSafeInteger(quantity) || quantity < 1) throw new RangeError(`not a quantity: ${quantity}`);
    byProduct.set(productId, (byProduct.get(productId) ?? 0) + quantity);
  }
  return [...byProduct].map(([productId, quantity]) => ({ productId, quantity }));
}

/** Takes units of a product from the lines in their order; what is asked for twice is one entry. */
class LineQueue {
  private readonly open: { readonly line: PlanLine; left: number }[];
  constructor(lines: readonly PlanLine[]) {
    this.open = lines.map((line) => ({ line, left: line.quantity }));
  }
  take(productId: string, quantity: number): PlanLine[] {
    const byLine = new Map<string, PlanLine>();
    let wanted = quantity;
    for (const entry of this.open) {
      if (wanted === 0) break;
      if (entry.line.productId !== productId || entry.left === 0) continue;
      const units = Math.min(entry.left, wanted);
      entry.left -= units;
      wanted -= units;
      const { orderLineId } = entry.line;
      const before = byLine.get(orderLineId)?.quantity ?? 0;
      byLine.set(orderLineId, { orderLineId, productId, quantity: before + units });
    }
    return [...byLine.values()];
  }
}

/** @param taken what leaves each warehouse; one entry a product and warehouse. */
export function shipmentsOf(
  lines: readonly PlanLine[],
  taken: readonly { readonly productId: string; readonly warehouseId: string; readonly units: number }[],
): { readonly shipments: readonly PlannedShipment[]; readonly backorder: readonly PlanLine[] } {
  const queue = new LineQueue(lines);
  const parts = taken.map(({ productId, warehouseId, units }) => ({
    warehouseId,
    lines: queue.take(productId, units),
  }));
  const shipments = [...groupBy(parts, ({ warehouseId }) => warehouseId)].map(([warehouseId, of]) => ({
    warehouseId,
    lines: of.flatMap((part) => part.lines),
  }));
  const backorder = demandOf(lines).flatMap(({ productId, quantity }) => queue.take(productId, quantity));
  return { shipments, backorder };
}
