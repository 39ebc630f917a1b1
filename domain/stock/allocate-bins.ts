/**
 * Which bin and lot each unit of released work is taken from: the lot that expires first (what never
 * expires comes last), then the bin the picker reaches first, then the fullest bin so that fewer are
 * touched, then by id so that the same shelves always give the same answer. Nothing is ever taken from
 * a bin beyond what it has; what can't be found is returned as short, for a person to decide.
 */

export interface BinDemand {
  /** Whose demand it is, e.g. a fulfilment order line. */
  readonly lineId: string;
  readonly productId: string;
  /** Whole base units, at least 1. */
  readonly quantity: number;
}

export interface BinStock {
  readonly locationId: string;
  readonly productId: string;
  /** '' where the product is not tracked by lot. */
  readonly lotCode: string;
  /** YYYY-MM-DD, null when it never expires. */
  readonly expiresOn: string | null;
  /** Place on the picker's way, smaller is earlier. */
  readonly pickSequence: number;
  /** On hand and not allocated; negative counts as none. */
  readonly available: number;
}

export interface BinAllocation {
  readonly lineId: string;
  readonly productId: string;
  readonly locationId: string;
  readonly lotCode: string;
  readonly quantity: number;
}

export interface BinPlan {
  /** By demand line in the order given, then in the order of taking. */
  readonly allocations: readonly BinAllocation[];
  readonly short: readonly BinDemand[];
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
/** Later than any date that a lot can carry. */
const NEVER = '9999-99-99';

function byTaking(a: BinStock, b: BinStock): number {
  return (
    compare(a.expiresOn ?? NEVER, b.expiresOn ?? NEVER) ||
    a.pickSequence - b.pickSequence ||
    b.available - a.available ||
    compare(a.locationId, b.locationId) ||
    compare(a.lotCode, b.lotCode)
  );
}

/**
 * Binds demand to bins. Lines of the same product share the same bins and are served in their order.
 * @param soonestExpiry local date YYYY-MM-DD; lots that expire before it are left alone: today for goods
 *   that must not be expired, later where a channel wants shelf life left. null takes any.
 * @throws RangeError when a demanded quantity is not a positive whole number.
 */
export function allocateBins(
  demand: readonly BinDemand[],
  bins: readonly BinStock[],
  soonestExpiry: string | null = null,
): BinPlan {
  const shelves = new Map<string, { readonly bin: BinStock; left: number }[]>();
  for (const bin of [...bins].sort(byTaking)) {
    if (bin.available <= 0) continue;
    if (soonestExpiry !== null && bin.expiresOn !== null && bin.expiresOn < soonestExpiry) continue;
    const shelf = shelves.get(bin.productId);
    if (shelf) shelf.push({ bin, left: bin.available });
    else shelves.set(bin.productId, [{ bin, left: bin.available }]);
  }
  const allocations: BinAllocation[] = [];
  const short: BinDemand[] = [];
  for (const line of demand) {
    if (!Number.isSafeInteger(line.quantity) || line.quantity < 1) {
      throw new RangeError(`not a quantity: ${line.quantity}`);
    }
    let open = line.quantity;
    for (const entry of shelves.get(line.productId) ?? []) {
      if (open === 0) break;
      const quantity = Math.min(open, entry.left);
      if (quantity === 0) continue;
      entry.left -= quantity;
      open -= quantity;
      const { locationId, lotCode } = entry.bin;
      allocations.push({ lineId: line.lineId, productId: line.productId, locationId, lotCode, quantity });
    }
    if (open > 0) short.push({ ...line, quantity: open });
  }
  return { allocations, short };
}
