/**
 * What the engine should do, told as plainly as possible: one thing after the other, lists and loops, no
 * running sums, no batches, no locks, and nothing of the engine's own code.
 */
import {
  type Command,
  type Engine,
  type HoldOp,
  KEEP_HOURS,
  type Seen,
  SKUS,
  type Sku,
  START,
  type Told,
  type Units,
} from './commands';

interface Reservation {
  readonly sku: Sku;
  readonly units: number;
  /** The number of the hold or the order. */
  readonly hold: number | null;
  order: number | null;
  /** Minutes; null: an order ships with it. */
  readonly until: number | null;
  live: boolean;
  ended: string;
}

interface Order {
  readonly units: Units;
  readonly urgent: boolean;
  readonly shipIn: number;
  readonly hold: number | null;
  state: 'new' | 'waiting' | 'planned' | 'cancelled';
  /** Was it planned once? Then its ship-by is a promise. */
  promised: boolean;
  waits: Set<Sku>;
}

const entries = (units: Units) => SKUS.flatMap((sku) => (units[sku] ? [[sku, units[sku]] as const] : []));

export class Model implements Engine {
  private now = START / 60_000;
  private readonly onHand: Record<Sku, number> = { A: 0, B: 0, C: 0 };
  private readonly reservations: Reservation[] = [];
  private readonly orders: Order[] = [];
  private holds = 0;
  private readonly answers: Told[] = [];

  apply(command: Command): Told[] {
    switch (command.kind) {
      case 'holds':
        return this.holdBatch(command.ops);
      case 'gain':
        this.onHand[command.sku] += command.units;
        this.feed([command.sku]);
        return [];
      case 'lose':
        this.lose(command.sku, command.units);
        return [];
      case 'order': {
        const hold = command.hold === null || this.holds === 0 ? null : command.hold % this.holds;
        const { units, urgent, shipInHours: shipIn } = command;
        this.orders.push({ units, urgent, shipIn, hold, state: 'new', promised: false, waits: new Set() });
        if (command.looks) this.look(this.orders.length - 1);
        return [];
      }
      case 'look':
        if (this.orders.length > 0) this.look(command.order % this.orders.length);
        return [];
      case 'cancel':
        if (this.orders.length > 0) this.cancel(command.order % this.orders.length);
        return [];
      case 'tick':
        this.tick(command.minutes);
        return [];
    }
  }

  see(): Seen {
    const live = this.reservations.filter((each) => each.live);
    const sumBy = (rows: readonly Reservation[], numberOf: (row: Reservation) => number) => {
      const sums: Record<number, Partial<Record<Sku, number>>> = {};
      for (const row of rows) {
        const sum = (sums[numberOf(row)] ??= {});
        sum[row.sku] = (sum[row.sku] ?? 0) + row.units;
      }
      return sums;
    };
    const stock = Object.fromEntries(
      SKUS.map((sku) => [sku, [this.onHand[sku], this.reserved(sku)] as const]),
    );
    const waits: Record<number, Units> = {};
    this.orders.forEach((order, n) => {
      if (order.waits.size > 0)
        waits[n] = Object.fromEntries(entries(order.units).filter(([sku]) => order.waits.has(sku)));
    });
    return {
      stock: stock as Seen['stock'],
      holds: sumBy(
        live.filter((row) => row.hold !== null),
        (row) => row.hold as number,
      ),
      kept: sumBy(
        live.filter((row) => row.hold === null && row.until !== null),
        (row) => row.order as number,
      ),
      planned: sumBy(
        live.filter((row) => row.until === null),
        (row) => row.order as number,
      ),
      waits,
    };
  }

  private reserved(sku: Sku): number {
    return this.reservations.reduce((sum, row) => sum + (row.live && row.sku === sku ? row.units : 0), 0);
  }

  private free(sku: Sku): number {
    return this.onHand[sku] - this.reserved(sku);
  }

  private add(row: Omit<Reservation, 'live' | 'ended'>): void {
    this.reservations.push({ ...row, live: true, ended: '' });
  }

  private end(rows: readonly Reservation[], how: string): void {
    for (const row of rows) Object.assign(row, { live: false, ended: how });
  }

  private holdBatch(ops: readonly HoldOp[]): Told[] {
    const before = this.answers.length;
    const heldBefore = this.holds;
    const told: Told[] = [];
    // New holds first; what the same moment gives up is for those who wait.
    ops.forEach((op, index) => {
      if (op.op === 'reserve') told[index] = this.reserve(op);
    });
    const freed: Sku[] = [];
    ops.forEach((op, index) => {
      if (op.op === 'reserve') return;
      if (op.op === 'repeat') {
        if (before > 0) told[index] = this.answers[op.request % before] as Told;
      } else if (heldBefore > 0) told[index] = this.endHold(op.hold % heldBefore, op.op, freed);
    });
    this.feed(freed);
    ops.forEach((op, index) => {
      if (op.op !== 'repeat' && told[index]) this.answers.push(told[index]);
    });
    return told.filter((each) => each !== undefined);
  }

  private reserve(op: Extract<HoldOp, { op: 'reserve' }>): Told {
    const wanted = entries(op.units);
    const fits = wanted.filter(([sku, units]) => this.free(sku) >= units);
    if (fits.length === 0 || (op.allOrNothing && fits.length < wanted.length)) return { told: 'short' };
    const hold = this.holds++;
    for (const [sku, units] of fits)
      this.add({ sku, units, hold, order: null, until: this.now + op.minutes });
    return { told: 'reserved', units: Object.fromEntries(fits) };
  }

  private endHold(hold: number, op: 'release' | 'consume', freed: Sku[]): Told {
    const rows = this.reservations.filter((row) => row.hold === hold);
    const live = rows.filter((row) => row.live);
    if (live.length === 0) {
      const ends = rows.map((row) => row.ended).filter((each) => each !== 'taken_back');
      const state = rows.some((row) => row.order !== null) ? 'ordered' : (ends[0] ?? 'taken_back');
      return { told: 'unchanged', state };
    }
    const state = op === 'release' ? 'released' : 'consumed';
    this.end(live, state);
    for (const row of live)
      if (op === 'consume') this.onHand[row.sku] -= row.units;
      else freed.push(row.sku);
    return { told: 'ended', state };
  }

  private lose(sku: Sku, units: number): void {
    const left = Math.max(0, this.onHand[sku] - units);
    // What leaves the shelf takes back who was bound to the shelf first, then whoever is too much.
    const bound = this.reservations.filter((row) => row.live && row.sku === sku && row.until === null);
    const losers = this.tooMuch(bound, left);
    const gone = new Set(losers.map((row) => row.order));
    const rest = this.reservations.filter(
      (row) => row.live && row.sku === sku && !(row.until === null && gone.has(row.order)),
    );
    losers.push(...this.tooMuch(rest, left));
    const freed: Sku[] = [];
    for (const loser of losers) {
      // Of the last one some may be left.
      freed.push(sku);
      this.end([loser], 'taken_back');
      if (loser.until !== null) {
        if (loser.order !== null) this.orders[loser.order]?.waits.add(sku);
        continue;
      }
      // A shipment goes as a whole.
      const siblings = this.reservations.filter(
        (row) => row.live && row.until === null && row.order === loser.order,
      );
      this.end(siblings, 'released');
      freed.push(...siblings.map((row) => row.sku));
      (this.orders[loser.order as number] as Order).state = 'new';
    }
    this.onHand[sku] = left;
    this.feed(freed);
  }

  /** Who has to go: nobody's promise first, then the latest, then who came last. */
  private tooMuch(rows: readonly Reservation[], left: number): Reservation[] {
    const promise = (row: Reservation) => {
      const order = row.order === null ? undefined : this.orders[row.order];
      return order?.promised ? order.shipIn + (row.order as number) / 1e6 : Number.POSITIVE_INFINITY;
    };
    const last = [...rows]
      .reverse()
      .sort((a, b) => (promise(b) === promise(a) ? 0 : promise(b) - promise(a)));
    let excess = rows.reduce((sum, row) => sum + row.units, 0) - left;
    return last.filter((row) => {
      if (excess <= 0) return false;
      excess -= row.units;
      return true;
    });
  }

  private look(n: number): void {
    const order = this.orders[n] as Order;
    if (order.state === 'planned' || order.state === 'cancelled') return;
    const own = this.reservations.filter(
      (row) =>
        row.live &&
        row.until !== null &&
        (row.order === n || (row.order === null && row.hold !== null && row.hold === order.hold)),
    );
    const has = (sku: Sku) => own.reduce((sum, row) => sum + (row.sku === sku ? row.units : 0), 0);
    const wanted = entries(order.units);
    const there = new Map(wanted.map(([sku]) => [sku, this.free(sku) + has(sku)]));
    const missing = wanted.filter(([sku, units]) => (there.get(sku) ?? 0) < units);
    const ofCheckout = own.filter((row) => row.hold !== null);
    const before = new Map(SKUS.map((sku) => [sku, this.free(sku)]));
    this.end(ofCheckout, 'released');
    for (const row of ofCheckout) row.order = n;
    if (missing.length === 0) {
      this.end(own, 'released');
      for (const [sku, units] of wanted) this.add({ sku, units, hold: null, order: n, until: null });
      Object.assign(order, { state: 'planned', promised: true, waits: new Set() });
    } else {
      for (const [sku, units] of wanted) {
        const kept = own.reduce((sum, row) => sum + (row.live && row.sku === sku ? row.units : 0), 0);
        const more = Math.min(units, there.get(sku) ?? 0) - kept;
        const until = this.now + KEEP_HOURS * 60;
        if (more > 0) this.add({ sku, units: more, hold: null, order: n, until });
      }
      Object.assign(order, { state: 'waiting', waits: new Set(missing.map(([sku]) => sku)) });
    }
    this.feed(ofCheckout.map((row) => row.sku).filter((sku) => this.free(sku) > (before.get(sku) ?? 0)));
  }

  private cancel(n: number): void {
    const order = this.orders[n] as Order;
    if (order.state === 'cancelled') return;
    const own = this.reservations.filter(
      (row) =>
        row.live && (row.order === n || (row.order === null && row.hold !== null && row.hold === order.hold)),
    );
    this.end(own, 'released');
    Object.assign(order, { state: 'cancelled', waits: new Set() });
    this.feed(own.map((row) => row.sku));
  }

  private tick(minutes: number): void {
    this.now += minutes;
    const due = this.reservations.filter((row) => row.live && row.until !== null && row.until <= this.now);
    this.end(due, 'expired');
    const kept = due.filter((row) => row.order !== null);
    for (const row of kept) {
      const order = this.orders[row.order as number] as Order;
      if (order.state === 'waiting') order.waits.add(row.sku);
    }
    this.feed(
      due.map((row) => row.sku),
      new Set(kept.map((row) => `${row.order} ${row.sku}`)),
    );
  }

  /** Who waits gets what has come free, in turn. `had`: who kept some until now and lets the others pass. */
  private feed(freed: readonly Sku[], had: ReadonlySet<string> = new Set()): void {
    if (freed.length === 0) return;
    const queue = this.orders
      .map((order, n) => ({ order, n }))
      .filter(({ order }) => order.waits.size > 0)
      .sort(
        (a, b) =>
          Number(b.order.urgent) - Number(a.order.urgent) || a.order.shipIn - b.order.shipIn || a.n - b.n,
      );
    for (const { order, n } of queue) {
      const lacks = entries(order.units).flatMap(([sku, units]) => {
        const kept = this.reservations.reduce(
          (sum, row) =>
            sum + (row.live && row.order === n && row.until !== null && row.sku === sku ? row.units : 0),
          0,
        );
        return order.waits.has(sku) && units > kept ? [{ sku, units: units - kept }] : [];
      });
      const offered = (sku: Sku) => (freed.includes(sku) ? this.free(sku) : 0);
      const whole = lacks.every(({ sku, units }) => offered(sku) >= units);
      for (const { sku, units } of lacks) {
        if (!whole && had.has(`${n} ${sku}`)) continue;
        const gets = Math.min(units, offered(sku));
        if (gets > 0) this.add({ sku, units: gets, hold: null, order: n, until: this.now + KEEP_HOURS * 60 });
      }
    }
  }
}
