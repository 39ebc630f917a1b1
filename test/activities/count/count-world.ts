/** A counter of a seeded merchant, by the real commands. */
import { randomUUID } from 'node:crypto';
import { type PlanCount, planCount } from '../../../commands/count/plan-count';
import { type SubmitCount, submitCount } from '../../../commands/count/submit-count';
import { nextSheet, type SheetView, startCount } from '../../../commands/count/work-sheet';
import type { Database } from '../../../db/client';
import { rowsOf, staff, warehouseOf } from '../../support/floor-steps';
import type { SeededMerchant } from '../../support/merchant';

export type Counted = SubmitCount['lines'];

export class Counters {
  constructor(
    private readonly database: Database,
    private readonly merchant: SeededMerchant,
  ) {}

  plan(what: Partial<PlanCount> = {}): Promise<{ readonly countId: string }> {
    return planCount(this.database, {
      merchantId: this.merchant.merchantId,
      key: randomUUID(),
      warehouseId: warehouseOf(this.merchant).id,
      class: null,
      skus: [],
      locationCodes: [],
      mostPlaces: 100,
      reason: 'test',
      actor: 'test',
      ...what,
    });
  }

  next(n = 0): Promise<SheetView | null> {
    return nextSheet(this.database, staff(this.merchant, n), {
      warehouseId: warehouseOf(this.merchant).id,
      eventId: randomUUID(),
    });
  }

  start({ sheetId, locationCode }: SheetView, n = 0): Promise<SheetView> {
    return startCount(this.database, staff(this.merchant, n), {
      sheetId,
      locationCode,
      eventId: randomUUID(),
    });
  }

  submit(sheet: SheetView, lines: Counted, n = 0, eventId: string = randomUUID()) {
    const { merchantId } = this.merchant;
    const { sheetId } = sheet;
    return submitCount(this.database, staff(this.merchant, n), { merchantId, sheetId, eventId, lines });
  }

  /** The person's next sheet, begun. @throws when there is none for him. */
  async begin(n = 0): Promise<SheetView> {
    const sheet = await this.next(n);
    if (sheet === null) throw new Error('no sheet');
    return this.start(sheet, n);
  }

  /** One whole look at the next place. */
  async look(lines: Counted, n = 0) {
    const sheet = await this.begin(n);
    return { sheet, answer: await this.submit(sheet, lines, n) };
  }

  /** Units on the books at a place. */
  async onBooks(sku: string, locationCode = 'A-01-01'): Promise<number> {
    const [row] = await rowsOf<{ units: number }>(
      this.database,
      this.merchant,
      `select coalesce(sum(b.on_hand), 0)::integer as units from bin_balance b join location l on l.id = b.location_id
         join product p on p.id = b.product_id where p.sku = $1 and l.code = $2`,
      [sku, locationCode],
    );
    return row?.units ?? 0;
  }
}
