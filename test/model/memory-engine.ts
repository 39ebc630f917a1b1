/**
 * The engine's own decisions on rows in memory: what a transaction would read is read from a list, what it
 * would write goes there. What decides is what decides in production.
 */
import { decideHolds, type HoldOutcome, type HoldRequest } from '../../domain/stock/decide-holds';
import { byQueue, handOut } from '../../domain/stock/hand-out';
import { keepUnits } from '../../domain/stock/keep-units';
import { RunningStock } from '../../domain/stock/running-stock';
import { takeBack } from '../../domain/stock/take-back';
import {
  type Command,
  type Engine,
  type HoldOp,
  KEEP_HOURS,
  placedAtOf,
  type Seen,
  SKUS,
  type Sku,
  START,
  shipByOf,
  type Told,
  type Units,
} from './commands';
import { holdRow, type Row, unitsBy, WAREHOUSE } from './rows';
import { entries, toldOf } from './told';

interface Order {
  readonly units: Units;
  readonly urgent: boolean;
  readonly shipBy: Date;
  readonly holdId: string | null;
  state: 'open' | 'planned' | 'cancelled';
  promisedAt: Date | null;
  readonly waits: Map<Sku, number>;
}

type Request = { readonly told: Told };

export class MemoryEngine implements Engine {
  private now = START;
  private ids = 0;
  private readonly onHand: Record<Sku, number> = { A: 0, B: 0, C: 0 };
  private readonly rows: Row[] = [];
  private readonly orders: Order[] = [];
  private readonly holdIds: string[] = [];
  private readonly requests: Request[] = [];

  apply(command: Command): Told[] {
    switch (command.kind) {
      case 'holds':
        return this.holds(command.ops);
      case 'gain':
        this.onHand[command.sku] += command.units;
        this.feed([command.sku]);
        break;
      case 'lose':
        this.lose(command.sku, command.units);
        break;
      case 'order':
        this.order(command);
        break;
      case 'look':
        if (this.orders.length > 0) this.look(command.order % this.orders.length);
        break;
      case 'cancel':
        if (this.orders.length > 0) this.cancel(command.order % this.orders.length);
        break;
      case 'tick':
        this.tick(command.minutes);
    }
    return [];
  }

  private nextId(): string {
    return String(this.ids++).padStart(12, '0');
  }

  private live(): Row[] {
    return this.rows.filter((row) => row.state === 'held');
  }

  private stock(): RunningStock {
    const reserved = (sku: Sku) =>
      this.live().reduce((sum, row) => sum + (row.sku === sku ? row.units : 0), 0);
    return new RunningStock(
      SKUS.map((sku) => [sku, { onHand: this.onHand[sku], held: 0, reserved: reserved(sku) }]),
    );
  }

  private make(row: Omit<Row, 'id' | 'madeAt' | 'state'>): void {
    this.rows.push({ ...row, id: this.nextId(), madeAt: new Date(this.now), state: 'held' });
  }

  private end(rows: readonly Row[], state: string): void {
    for (const row of rows) row.state = state;
  }

  private holds(ops: readonly HoldOp[]): Told[] {
    const heldBefore = this.holdIds.length;
    const before = this.requests.length;
    const told: (Told | undefined)[] = [];
    const asked: { index: number; request: HoldRequest }[] = [];
    ops.forEach((op, index) => {
      if (op.op === 'repeat') {
        told[index] = before > 0 ? this.requests[op.request % before]?.told : undefined;
      } else if (op.op === 'reserve') asked.push({ index, request: this.reserveRequest(op) });
      else if (heldBefore > 0) {
        const holdId = this.holdIds[op.hold % heldBefore] as string;
        asked.push({ index, request: { kind: op.op, merchantId: 'm', holdId, now: new Date(this.now) } });
      }
    });
    const freed = this.decide(asked.map(({ request }) => request)).flatMap((outcome, n) => {
      const { index, request } = asked[n] as (typeof asked)[number];
      const answer = toldOf(outcome, (productId) => productId as Sku);
      told[index] = answer;
      this.requests.push({ told: answer });
      if (outcome.kind === 'reserved') this.holdIds.push(outcome.holdId);
      return outcome.kind === 'ended' && request.kind === 'release' ? outcome.units : [];
    });
    this.feed(freed.map(({ productId }) => productId as Sku));
    return told.filter((each) => each !== undefined);
  }

  private reserveRequest(op: Extract<HoldOp, { op: 'reserve' }>): HoldRequest {
    return {
      kind: 'reserve',
      merchantId: 'm',
      holdId: this.nextId(),
      allOrNothing: op.allOrNothing,
      expiresAt: new Date(this.now + op.minutes * 60_000),
      lines: entries(op.units).map(([productId, quantity]) => ({
        productId,
        quantity,
        warehouseIds: [WAREHOUSE],
      })),
    };
  }

  private decide(requests: readonly HoldRequest[]): readonly HoldOutcome[] {
    const ending = new Set(requests.flatMap((each) => (each.kind === 'reserve' ? [] : [each.holdId])));
    const holds = this.rows.filter((row) => row.holdId !== null && ending.has(row.holdId)).map(holdRow);
    const { outcomes, made, ended } = decideHolds(
      requests,
      this.stock(),
      holds,
      (_, { productId }) => productId,
    );
    for (const [index, units] of made) {
      const { holdId, expiresAt } = requests[index] as Extract<HoldRequest, { kind: 'reserve' }>;
      for (const { productId, quantity } of units)
        this.make({ sku: productId as Sku, units: quantity, holdId, orderId: null, bound: false, expiresAt });
    }
    for (const { state, rows } of ended.values()) {
      const ids = new Set(rows.map((row) => row.reservationId));
      for (const row of this.rows.filter((each) => ids.has(each.id))) {
        row.state = state;
        if (state === 'consumed') this.onHand[row.sku] -= row.units;
      }
    }
    return outcomes;
  }

  private order(command: Extract<Command, { kind: 'order' }>): void {
    const { units, urgent, hold, looks } = command;
    const holdId = hold === null ? null : (this.holdIds[hold % this.holdIds.length] ?? null);
    const shipBy = shipByOf(this.orders.length, command.shipInHours);
    const waits = new Map<Sku, number>();
    this.orders.push({ units, urgent, shipBy, holdId, state: 'open', promisedAt: null, waits });
    if (looks) this.look(this.orders.length - 1);
  }

  private ownOf(n: number): Row[] {
    const { holdId } = this.orders[n] as Order;
    return this.live().filter(
      (row) =>
        !row.bound &&
        (row.orderId === n || (row.orderId === null && row.holdId !== null && row.holdId === holdId)),
    );
  }

  private look(n: number): void {
    const order = this.orders[n] as Order;
    if (order.state !== 'open') return;
    const stock = this.stock();
    const own = this.ownOf(n);
    for (const row of own) stock.giveBack(row.sku, row.units);
    const free = this.stock();
    const wanted = entries(order.units);
    const missing = wanted.filter(([sku, units]) => stock.free(sku) < units);
    order.waits.clear();
    if (missing.length === 0) {
      this.end(own, 'released');
      for (const row of own) row.orderId = n;
      for (const [sku, units] of wanted)
        this.make({ sku, units, holdId: null, orderId: n, bound: true, expiresAt: null });
      Object.assign(order, { state: 'planned', promisedAt: order.shipBy });
    } else {
      for (const [sku, units] of missing) order.waits.set(sku, units);
      this.keep(n, own, stock);
    }
    this.feed(SKUS.filter((sku) => this.stock().free(sku) > free.free(sku)));
  }

  private keep(n: number, own: readonly Row[], stock: RunningStock): void {
    const order = this.orders[n] as Order;
    const usable = entries(order.units).flatMap(([sku, units]) => {
      const quantity = Math.min(units, stock.free(sku));
      return quantity > 0 ? [{ warehouseId: WAREHOUSE, productId: sku, quantity }] : [];
    });
    const { ended, made } = keepUnits(
      own.map((row) => ({ ...holdRow(row), ofCheckout: row.orderId === null })),
      usable,
    );
    const gone = own.filter((row) => ended.includes(row.id));
    this.end(gone, 'released');
    for (const row of gone) row.orderId = n;
    for (const { productId, quantity, expiresAt } of made)
      this.make({
        sku: productId as Sku,
        units: quantity,
        holdId: this.nextId(),
        orderId: n,
        bound: false,
        expiresAt: expiresAt ?? this.keepUntil(),
      });
  }

  private keepUntil(): Date {
    return new Date(this.now + KEEP_HOURS * 3_600_000);
  }

  private cancel(n: number): void {
    const order = this.orders[n] as Order;
    if (order.state === 'cancelled') return;
    const own = [...this.ownOf(n), ...this.live().filter((row) => row.bound && row.orderId === n)];
    this.end(own, 'released');
    order.waits.clear();
    order.state = 'cancelled';
    this.feed(own.map(({ sku }) => sku));
  }

  private lose(sku: Sku, units: number): void {
    const left = Math.max(0, this.onHand[sku] - units);
    const losable = (rows: readonly Row[]) =>
      rows.map((row) => ({
        reservationId: row.id,
        quantity: row.units,
        promisedAt: row.orderId === null ? null : (this.orders[row.orderId]?.promisedAt ?? null),
        reservedAt: row.madeAt,
        picked: false,
      }));
    const here = this.live().filter((row) => row.sku === sku);
    const bound = here.filter((row) => row.bound);
    const first = new Set(takeBack(left, losable(bound)).reservationIds);
    const orders = new Set(bound.filter((row) => first.has(row.id)).map((row) => row.orderId));
    const rest = here.filter((row) => !(row.bound && orders.has(row.orderId)));
    const losers = new Set([...first, ...takeBack(left, losable(rest)).reservationIds]);
    const freed: Sku[] = [];
    for (const loser of here.filter((row) => losers.has(row.id))) {
      loser.state = 'taken_back';
      freed.push(sku);
      const order = loser.orderId === null ? undefined : (this.orders[loser.orderId] as Order);
      if (!loser.bound) order?.waits.set(sku, order.units[sku] ?? 0);
      else {
        const siblings = this.live().filter((row) => row.bound && row.orderId === loser.orderId);
        this.end(siblings, 'released');
        freed.push(...siblings.map((row) => row.sku));
        if (order) order.state = 'open';
      }
    }
    this.onHand[sku] = left;
    this.feed(freed);
  }

  private tick(minutes: number): void {
    this.now += minutes * 60_000;
    const due = new Set(
      this.live().flatMap((row) =>
        row.expiresAt !== null && row.expiresAt.getTime() <= this.now ? [row.holdId] : [],
      ),
    );
    const rows = this.live().filter((row) => due.has(row.holdId));
    const now = new Date(this.now);
    this.decide(
      [...due].map((holdId) => ({ kind: 'expire', merchantId: 'm', holdId: holdId as string, now })),
    );
    for (const { orderId, sku } of rows) {
      const order = orderId === null ? undefined : this.orders[orderId];
      if (order && !order.waits.has(sku)) order.waits.set(sku, order.units[sku] ?? 0);
    }
    this.feed(
      rows.map(({ sku }) => sku),
      new Set(rows.map(({ orderId, sku }) => `${orderId} ${sku}`)),
    );
  }

  private feed(freed: readonly Sku[], had: ReadonlySet<string> = new Set()): void {
    const offered = [...new Set(freed)];
    if (offered.length === 0) return;
    const place = (n: number) => {
      const { urgent, shipBy } = this.orders[n] as Order;
      return {
        orderId: String(n).padStart(6, '0'),
        priority: urgent ? 10 : 0,
        shipBy,
        placedAt: placedAtOf(n),
      };
    };
    const kept = (n: number, sku: Sku) =>
      this.live().reduce(
        (sum, row) => sum + (!row.bound && row.orderId === n && row.sku === sku ? row.units : 0),
        0,
      );
    const queue = this.orders
      .map((order, n) => ({ order, n }))
      .filter(({ order, n }) => offered.some((sku) => (order.waits.get(sku) ?? 0) > kept(n, sku)))
      .sort((a, b) => byQueue(place(a.n), place(b.n)))
      .map(({ order, n }) => ({
        orderId: String(n),
        oneWarehouse: false,
        lines: [...order.waits].map(([sku, needed]) => ({
          productId: sku,
          needed,
          kept: new Map([[WAREHOUSE, kept(n, sku)]]),
          letsPass: had.has(`${n} ${sku}`),
          refused: false,
        })),
      }));
    const stock = this.stock();
    const free = offered.map((sku) => ({ productId: sku, warehouseId: WAREHOUSE, free: stock.free(sku) }));
    for (const grant of handOut(queue, free))
      this.make({
        sku: grant.productId as Sku,
        units: grant.quantity,
        holdId: this.nextId(),
        orderId: Number(grant.orderId),
        bound: false,
        expiresAt: this.keepUntil(),
      });
  }

  see(): Seen {
    const live = this.live();
    const stock = this.stock();
    const waiting = this.orders.flatMap((order, n) =>
      order.waits.size > 0 ? [[n, Object.fromEntries(order.waits)] as const] : [],
    );
    return {
      stock: Object.fromEntries(
        SKUS.map((sku) => [sku, [this.onHand[sku], this.onHand[sku] - stock.free(sku)]]),
      ) as unknown as Seen['stock'],
      holds: unitsBy(
        live.filter((row) => !row.bound && row.orderId === null),
        (row) => this.holdIds.indexOf(row.holdId as string),
      ),
      kept: unitsBy(
        live.filter((row) => !row.bound && row.orderId !== null),
        (row) => row.orderId as number,
      ),
      planned: unitsBy(
        live.filter((row) => row.bound),
        (row) => row.orderId as number,
      ),
      waits: Object.fromEntries(waiting),
    };
  }
}
