/**
 * What a replay of the UCI "Online Retail" file must come to, told a second time and as plainly as can be:
 * a person with the file, a shelf and a list of those who wait. Shares no code with the product, only the
 * rules of the file: goods are codes of five digits; C invoices are credits; negative lines are losses.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export interface RetailOutcome {
  /** Under the names of the report. */
  readonly counts: Readonly<Record<string, number>>;
  /** Units at the end by SKU, of the codes that the days name. */
  readonly shelf: Readonly<Record<string, number>>;
  readonly shipped: number;
  readonly restocked: number;
  readonly writtenOff: number;
  readonly rest: number;
  /** Numbers of the orders that still wait, in their order. */
  readonly waiting: readonly string[];
  /**
   * Numbers of those that waited and got their goods, in the order in which they got them; those that one
   * credit served, in the order in which they came.
   */
  readonly released: readonly string[];
}

interface Row {
  readonly at: number;
  readonly invoice: string;
  readonly code: string;
  readonly units: number;
  /** Thousandths of a pound. */
  readonly mills: number;
  readonly when: string;
  readonly who: string;
}

/** A CSV row with quotes, cut into its cells. */
function cells(text: string): string[] {
  const found: string[] = [];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const one = text.charAt(at);
    if (one === '"' && quoted && text.charAt(at + 1) === '"') {
      cell += '"';
      at++;
    } else if (one === '"') quoted = !quoted;
    else if (one === ',' && !quoted) {
      found.push(cell);
      cell = '';
    } else cell += one;
  }
  return [...found, cell];
}

function readRows(file: string, fromDay: string, beforeDay: string): Row[] {
  const bytes = readFileSync(file);
  const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString('utf8');
  const [head = '', ...lines] = text.split(/\r?\n/).filter((line) => line !== '');
  const names = cells(head);
  const rows = lines.map((line, at): Row => {
    const row = cells(line);
    const of = (name: string) => row[names.indexOf(name)] ?? '';
    return {
      at,
      invoice: of('InvoiceNo'),
      code: of('StockCode'),
      units: Number.parseInt(of('Quantity'), 10),
      mills: Math.round(Number.parseFloat(of('UnitPrice')) * 1000),
      when: of('InvoiceDate'),
      who: of('CustomerID'),
    };
  });
  return rows.filter(({ when }) => when.slice(0, 10) >= fromDay && when.slice(0, 10) < beforeDay);
}

const isGoods = ({ code }: Row) => [...code.slice(0, 5)].filter((c) => c >= '0' && c <= '9').length === 5;
const isCredit = ({ invoice }: Row) => invoice.charAt(0) === 'C';
const add = (book: Record<string, number>, name: string, units: number) => {
  book[name] = (book[name] ?? 0) + units;
};

/**
 * @param opening units of each code on the shelf before the first day.
 * @param fromDay `YYYY-MM-DD`; `beforeDay` is the first day after.
 */
export function tellRetail(file: string, fromDay: string, beforeDay: string, opening: number): RetailOutcome {
  const rows = readRows(file, fromDay, beforeDay);
  const numbers = [...new Set(rows.map(({ invoice }) => invoice))];
  const invoices = numbers
    .map((number) => {
      const own = rows.filter(({ invoice }) => invoice === number);
      return { number, own, when: own[0]?.when ?? '', first: own[0]?.at ?? 0 };
    })
    .sort((a, b) => (a.when === b.when ? a.first - b.first : a.when < b.when ? -1 : 1));
  const house = new House(opening);
  const counts: Record<string, number> = {};
  for (const name of ['matched', 'overReturned', 'noPriorSale', 'noCustomer']) counts[`credits.${name}`] = 0;
  for (const name of ['orders', 'lines', 'units', 'revenuePence', 'serviceLines', 'creditInvoices'])
    counts[name] = 0;
  for (const name of ['creditLines', 'creditUnits', 'writeOffLines', 'writeOffUnits']) counts[name] = 0;
  counts.rows = rows.length;
  counts.invoices = numbers.length;
  for (const { number, own, when } of invoices) {
    house.itIs(when);
    const goods = own.filter(isGoods);
    add(counts, 'serviceLines', own.length - goods.length);
    for (const { code } of goods) house.know(code);
    const who = own[0]?.who ?? '';
    if (own.some(isCredit)) {
      add(counts, 'creditInvoices', 1);
      for (const line of goods) {
        add(counts, 'creditLines', 1);
        add(counts, 'creditUnits', -line.units);
        add(counts, `credits.${house.credit(who, line.code, -line.units)}`, 1);
      }
      continue;
    }
    const isOrder = own.some(({ units }) => units > 0);
    for (const { code, units } of goods.filter((line) => line.units <= 0)) {
      add(counts, 'writeOffLines', 1);
      if (!isOrder) add(counts, 'writeOffUnits', -units);
      house.lose(code, -units);
    }
    if (!isOrder) continue;
    add(counts, 'orders', 1);
    const wanted: Record<string, number> = {};
    for (const { code, units, mills } of goods.filter((line) => line.units > 0)) {
      add(counts, 'lines', 1);
      add(counts, 'units', units);
      add(counts, 'revenuePence', Math.floor((units * mills + 5) / 10));
      add(wanted, code, units);
    }
    house.order(number, who, wanted);
  }
  return { counts, ...house.outcome() };
}

/** Somebody who waits keeps what there was of his goods for a day; then it is anybody's again. */
const KEPT_FOR_MS = 24 * 60 * 60_000;

interface Waiting {
  readonly number: string;
  readonly who: string;
  readonly wanted: Readonly<Record<string, number>>;
  kept: Kept[];
}

interface Kept {
  readonly code: string;
  readonly units: number;
  readonly until: number;
  /** The later, the more. */
  readonly since: number;
}

/** The shelf, what each customer bought, got and gave back, and who waits and keeps what meanwhile. */
class House {
  private readonly shelf: Record<string, number> = {};
  private readonly book = { bought: {}, got: {}, returned: {}, back: {} } as Record<
    'bought' | 'got' | 'returned' | 'back',
    Record<string, number>
  >;
  private waiting: Waiting[] = [];
  private now = 0;
  private keeps = 0;
  private readonly released: string[] = [];
  private shipped = 0;
  private restocked = 0;
  private writtenOff = 0;
  private rest = 0;

  constructor(private readonly opening: number) {}

  /** @param when `YYYY-MM-DD HH:MM:SS`; what was kept until then or less is offered to the others. */
  itIs(when: string): void {
    this.now = Date.parse(`${when.replace(' ', 'T')}Z`);
    for (;;) {
      const until = Math.min(...this.waiting.flatMap(({ kept }) => kept.map((each) => each.until)));
      if (!(until <= this.now)) return;
      const passes = new Set<string>();
      for (const one of this.waiting) {
        for (const { code, units } of one.kept.filter((each) => each.until === until)) {
          add(this.shelf, code, units);
          passes.add(`${one.number} ${code}`);
        }
        one.kept = one.kept.filter((each) => each.until !== until);
      }
      this.serveQueue(passes);
    }
  }

  know(code: string): void {
    this.shelf[code] ??= this.opening;
  }

  /** What is gone is gone: first what is nobody's, then what was kept last. */
  lose(code: string, units: number): void {
    const kept = this.waiting.flatMap((one) => one.kept.map((each) => ({ one, each })));
    const taken = kept.filter(({ each }) => each.code === code).sort((a, b) => b.each.since - a.each.since);
    const there = (this.shelf[code] ?? 0) + taken.reduce((sum, { each }) => sum + each.units, 0);
    const gone = Math.min(units, there);
    add(this.shelf, code, -gone);
    for (const { one, each } of taken) {
      if ((this.shelf[code] ?? 0) >= 0) break;
      one.kept = one.kept.filter((other) => other !== each);
      add(this.shelf, code, each.units);
    }
    this.writtenOff += gone;
    this.rest += units - gone;
    this.serveQueue();
  }

  order(number: string, who: string, wanted: Record<string, number>): void {
    for (const [code, units] of Object.entries(wanted)) add(this.book.bought, `${who} ${code}`, units);
    const one: Waiting = { number, who, wanted, kept: [] };
    if (this.serve(one)) return;
    this.waiting.push(one);
    this.keep(one);
  }

  credit(who: string, code: string, units: number): string {
    if (who === '') return 'noCustomer';
    const key = `${who} ${code}`;
    const of = (name: keyof typeof this.book) => this.book[name][key] ?? 0;
    if (of('bought') === 0) return 'noPriorSale';
    const over = of('returned') + units > of('bought');
    add(this.book.returned, key, units);
    if (over) return 'overReturned';
    if (of('got') - of('back') >= units) {
      add(this.book.back, key, units);
      add(this.shelf, code, units);
      this.restocked += units;
      this.serveQueue();
    }
    return 'matched';
  }

  outcome() {
    const { shipped, restocked, writtenOff, rest, released } = this;
    const shelf = { ...this.shelf };
    for (const { kept } of this.waiting) for (const { code, units } of kept) add(shelf, code, units);
    const waiting = this.waiting.map(({ number }) => number);
    return { shelf, shipped, restocked, writtenOff, rest, released, waiting };
  }

  private serveQueue(passes: ReadonlySet<string> = new Set()): void {
    this.waiting = this.waiting.filter((one) => {
      const served = this.serve(one);
      if (served) this.released.push(one.number);
      else this.keep(one, passes);
      return !served;
    });
  }

  private keep(one: Waiting, passes: ReadonlySet<string> = new Set()): void {
    for (const [code, units] of Object.entries(one.wanted)) {
      const more = Math.min(units - this.keptOf(one, code), this.shelf[code] ?? 0);
      if (more <= 0 || passes.has(`${one.number} ${code}`)) continue;
      add(this.shelf, code, -more);
      one.kept.push({ code, units: more, until: this.now + KEPT_FOR_MS, since: ++this.keeps });
    }
  }

  private keptOf({ kept }: Waiting, code: string): number {
    return kept.filter((each) => each.code === code).reduce((sum, { units }) => sum + units, 0);
  }

  private serve(one: Waiting): boolean {
    const all = Object.entries(one.wanted);
    const lacks = (code: string, units: number) => units - this.keptOf(one, code);
    if (all.some(([code, units]) => (this.shelf[code] ?? 0) < lacks(code, units))) return false;
    for (const [code, units] of all) {
      add(this.shelf, code, -lacks(code, units));
      add(this.book.got, `${one.who} ${code}`, units);
      this.shipped += units;
    }
    return true;
  }
}
