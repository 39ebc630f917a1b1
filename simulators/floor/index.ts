/**
 * Plays the floor's staff through the floor API and nothing else: each person asks for the next task,
 * scans what it says and asks again. A person who is refused gives the task back and goes on. While
 * there is nothing to do one person looks for work and the others wait to be called, so that an idle
 * floor costs a few requests a second however many people stand on it.
 */
import { FloorApi, type FloorTask, pause, Refused } from './floor-api';

export interface FloorSimulatorOptions {
  readonly apiUrl: string;
  /** Of scope `floor`, for every merchant whose orders are to be worked on. */
  readonly apiKey: string;
  /** Ids of the persons; each has one task at a time. */
  readonly persons: readonly string[];
  /** Ids of the warehouses, looked through in turn. */
  readonly warehouses: readonly string[];
  /** How long a scan takes, give or take half; 0 for replays and benchmarks. */
  readonly paceMs: number;
  /** How many of the persons work; default all. */
  readonly concurrency?: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export interface FloorCounts {
  tasks: number;
  picks: number;
  packs: number;
  cartons: number;
  /** Cartons whose label did not come while the person waited. */
  labelsPending: number;
  shipped: number;
  refused: number;
  /** Requests sent again because the API was away. */
  retries: number;
}

export interface FloorSimulator {
  /** What was done so far; live. */
  readonly counts: FloorCounts;
  /** Resolves when everybody has stopped after `signal`. */
  readonly finished: Promise<void>;
}

const FIRST_LOOK_MS = 25;
/** An order that comes to an idle floor waits half of this on average. */
const LONGEST_LOOK_MS = 400;
/** After a refusal, so that a task that can't be done is not claimed in a circle. */
const REFUSED_PAUSE_MS = 1_000;
/** What one person lifts without help, and below what any carrier takes (USPS: 70 pounds). */
const LIFTED_GRAMS = 20_000;
const LARGEST_MM = 10_000;
const LARGEST_GRAMS = 2_000_000;

export function runFloorSimulator(options: FloorSimulatorOptions): FloorSimulator {
  const floor = new Floor(options);
  const persons = options.persons.slice(0, options.concurrency ?? options.persons.length);
  const finished = Promise.all(persons.map((personId, index) => floor.work(personId, index)));
  return { counts: floor.counts, finished: finished.then(() => undefined) };
}

class Floor {
  readonly counts: FloorCounts = {
    tasks: 0,
    picks: 0,
    packs: 0,
    cartons: 0,
    labelsPending: 0,
    shipped: 0,
    refused: 0,
    retries: 0,
  };
  private readonly api: FloorApi;
  private scouting = false;
  private readonly called: (() => void)[] = [];

  constructor(private readonly options: FloorSimulatorOptions) {
    this.api = new FloorApi(options);
    options.signal.addEventListener('abort', () => this.callAll(), { once: true });
  }

  /** One person's shift; ends with the signal. */
  async work(personId: string, index: number): Promise<void> {
    const { signal, log } = this.options;
    while (!signal.aborted) {
      try {
        const task = await this.findTask(personId, index);
        if (task === null) continue;
        // Where there is one task there may be more.
        this.called.shift()?.();
        await this.perform(personId, task);
      } catch (error) {
        if (signal.aborted) return;
        this.counts.refused += 1;
        log(`person ${personId} was refused: ${error instanceof Error ? error.message : String(error)}`);
        await pause(REFUSED_PAUSE_MS, signal);
      } finally {
        this.counts.retries = this.api.retries;
      }
    }
  }

  private async findTask(personId: string, index: number): Promise<FloorTask | null> {
    const task = await this.look(personId, index);
    if (task !== null) return task;
    if (this.scouting) {
      await new Promise<void>((resolve) => this.called.push(resolve));
      return null;
    }
    this.scouting = true;
    try {
      let delayMs = FIRST_LOOK_MS;
      while (!this.options.signal.aborted) {
        await pause(delayMs, this.options.signal);
        const found = this.options.signal.aborted ? null : await this.look(personId, index);
        if (found !== null) return found;
        delayMs = Math.min(delayMs * 2, LONGEST_LOOK_MS);
      }
      return null;
    } finally {
      this.scouting = false;
    }
  }

  private async look(personId: string, index: number): Promise<FloorTask | null> {
    const { warehouses } = this.options;
    for (let n = 0; n < warehouses.length; n += 1) {
      const { task } = await this.api.nextTask(
        personId,
        warehouses[(index + n) % warehouses.length] as string,
      );
      if (task !== null) return task;
    }
    return null;
  }

  private callAll(): void {
    for (const call of this.called.splice(0)) call();
  }

  private async perform(personId: string, task: FloorTask): Promise<void> {
    this.counts.tasks += 1;
    try {
      if (task.kind === 'pick') await this.pick(personId, task);
      else if (task.kind === 'pack') await this.pack(personId, task);
      else await this.ship(personId, task);
    } catch (error) {
      // The task may be gone, which is why it was refused; then there is nothing to give back.
      if (error instanceof Refused) await this.api.release(personId, task.id).catch(() => undefined);
      throw error;
    }
  }

  private async pick(personId: string, task: FloorTask): Promise<void> {
    for (const line of task.lines) {
      const quantity = line.quantity - line.done - line.short;
      if (quantity <= 0) continue;
      await this.takeTime();
      const { sku: code, lotCode } = line;
      const locationCode = line.locationCode ?? '';
      await this.api.scan(personId, task.id, { code, locationCode, lotCode, quantity });
      this.counts.picks += quantity;
    }
  }

  private async pack(personId: string, task: FloorTask): Promise<void> {
    const cartons = new Cartons(task);
    let inCarton = 0;
    for (const line of task.lines) {
      let left = line.quantity - line.done - line.short;
      while (left > 0) {
        await this.takeTime();
        const quantity = Math.min(left, cartons.unitsEach - inCarton);
        await this.api.scan(personId, task.id, { code: line.sku, quantity });
        this.counts.packs += quantity;
        left -= quantity;
        inCarton += quantity;
        if (inCarton < cartons.unitsEach) continue;
        await this.closeCarton(personId, task, cartons.of(inCarton));
        inCarton = 0;
      }
    }
    // Without a scan: somebody was interrupted before he closed the carton.
    if (inCarton > 0 || cartons.unitsOpen === 0) {
      await this.closeCarton(personId, task, cartons.of(inCarton));
    }
  }

  private async closeCarton(personId: string, task: FloorTask, carton: ClosedAs): Promise<void> {
    await this.takeTime();
    const closed = await this.api.closeCarton(personId, task.id, carton);
    this.counts.cartons += 1;
    if (closed.label.outcome === 'pending') this.counts.labelsPending += 1;
  }

  private async ship(personId: string, task: FloorTask): Promise<void> {
    await this.takeTime();
    await this.api.ship(personId, task.trackingNumber ?? '');
    this.counts.shipped += 1;
  }

  private takeTime(): Promise<void> {
    const { paceMs, signal } = this.options;
    return paceMs === 0 ? Promise.resolve() : pause(paceMs * (0.5 + Math.random()), signal);
  }
}

type ClosedAs = Parameters<FloorApi['closeCarton']>[2];

/**
 * What the goods of a pack task go into: the suggested carton, or packaging of their own. Goods for
 * several cartons are shared out by their number, so that each carton weighs what a person lifts.
 */
class Cartons {
  readonly unitsOpen: number;
  /** Units in each carton but the last. */
  readonly unitsEach: number;

  constructor(private readonly task: FloorTask) {
    const { carton, lines } = task;
    this.unitsOpen = lines.reduce((sum, line) => sum + line.quantity - line.done - line.short, 0);
    const share = carton?.kind === 'several' ? LIFTED_GRAMS / carton.weightGrams : 1;
    this.unitsEach = Math.max(1, Math.floor(this.unitsOpen * Math.min(1, share)));
  }

  of(units: number): ClosedAs {
    const { carton } = this.task;
    if (carton === null)
      return { weightGrams: 1_000, dimensions: { lengthMm: 400, widthMm: 300, heightMm: 300 } };
    const grams = Math.ceil((carton.weightGrams * units) / Math.max(1, this.unitsOpen));
    const weightGrams = Math.min(Math.max(1, grams), LARGEST_GRAMS);
    if (carton.kind !== 'own_packaging' && carton.cartonCode !== null)
      return { cartonCode: carton.cartonCode, weightGrams };
    const within = (mm: number) => Math.min(Math.max(1, Math.round(mm)), LARGEST_MM);
    return {
      weightGrams,
      dimensions: {
        lengthMm: within(carton.lengthMm),
        widthMm: within(carton.widthMm),
        heightMm: within(carton.heightMm),
      },
    };
  }
}
