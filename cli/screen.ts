/**
 * What the command says to a person. Lines go to standard error, so that `--json` and lists on standard
 * output stay clean; long steps show that they live: on a terminal a line that is rewritten (a bar where
 * the end is known), elsewhere one line when the step begins and one when it took longer than a moment.
 * One thing is written at a time: while a step or the live line is on the screen, other lines go above it.
 */
import { SingleBar } from 'cli-progress';

/** Ten frames a second look alive and cost nothing. */
const FRAME_MS = 100;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** A step shorter than this needs no word of its own where lines can't be rewritten. */
const WORTH_A_LINE_MS = 2_000;
/** There, a step of minutes says how far it is this often. */
const NOTE_EVERY_MS = 10_000;

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): boolean;
}

export interface Progress {
  /** What is being done right now, after the step's name. */
  note(text: string): void;
  /** Switches to a bar: `done` of `total`. */
  at(done: number, total: number): void;
}

export class Screen {
  private live = '';
  private readonly terminal: boolean;

  constructor(
    private readonly out: Output = process.stderr,
    readonly verbose = false,
  ) {
    this.terminal = out.isTTY === true && process.env.TERM !== 'dumb';
  }

  get isTerminal(): boolean {
    return this.terminal;
  }

  /** Characters that fit beside each other on a terminal; elsewhere lines are as long as they are. */
  get width(): number {
    return this.terminal ? (this.out.columns ?? 100) - 1 : Number.POSITIVE_INFINITY;
  }

  /** A line for good. */
  say(text = ''): void {
    this.erase();
    this.out.write(`${text}\n`);
    this.draw();
  }

  /** A line that only `--verbose` shows. */
  detail(text: string): void {
    if (this.verbose) this.say(`  ${text}`);
  }

  /** Replaces the live line at the bottom; only on a terminal. */
  setLive(text: string): void {
    if (!this.terminal) return;
    this.erase();
    const { width } = this;
    this.live = text.length > width ? `${text.slice(0, width - 1)}…` : text;
    this.draw();
  }

  endLive(): void {
    this.erase();
    this.live = '';
  }

  /**
   * Runs a step under its name and says how long it took; one that is `quiet` is only said when it took
   * long enough for a person to wonder. What it throws passes on.
   */
  async step<T>(
    name: string,
    work: (progress: Progress) => Promise<T>,
    { quiet = false }: { readonly quiet?: boolean } = {},
  ): Promise<T> {
    const started = Date.now();
    const seconds = () => ((Date.now() - started) / 1000).toFixed(1);
    const shown = this.terminal ? this.animate(name, started) : this.announce(name);
    try {
      const result = await work(shown.progress);
      shown.end();
      if (!quiet || Date.now() - started > WORTH_A_LINE_MS) this.say(`  ✓ ${name} (${seconds()} s)`);
      return result;
    } catch (error) {
      shown.end();
      this.say(`  ✗ ${name} (${seconds()} s)`);
      throw error;
    }
  }

  private announce(name: string): { progress: Progress; end: () => void } {
    let notedAt = Date.now();
    const timer = setTimeout(() => this.say(`  … ${name}`), WORTH_A_LINE_MS);
    const note = (text: string): void => {
      if (Date.now() - notedAt < NOTE_EVERY_MS) return;
      notedAt = Date.now();
      this.say(`  … ${name}: ${text}`);
    };
    const progress: Progress = { note, at: (done, total) => note(`${done} of ${total}`) };
    return { progress, end: () => clearTimeout(timer) };
  }

  private animate(name: string, started: number): { progress: Progress; end: () => void } {
    let note = '';
    let frame = 0;
    let bar: SingleBar | undefined;
    const paint = (): void => {
      if (bar !== undefined) return;
      frame += 1;
      const elapsed = Math.floor((Date.now() - started) / 1000);
      const spinner = FRAMES[frame % FRAMES.length] ?? '·';
      this.setLive(
        `  ${spinner} ${name}${elapsed > 2 ? ` ${elapsed} s` : ''}${note === '' ? '' : `: ${note}`}`,
      );
    };
    paint();
    const timer = setInterval(paint, FRAME_MS);
    const progress: Progress = {
      note: (text) => {
        note = text;
      },
      at: (done, total) => {
        if (bar === undefined) {
          this.endLive();
          bar = new SingleBar({
            format: `  ${name} [{bar}] {value}/{total}`,
            barCompleteChar: '█',
            barIncompleteChar: '░',
            barsize: 30,
            hideCursor: true,
            clearOnComplete: true,
            stream: process.stderr,
          });
          bar.start(total, done);
        } else bar.update(done);
      },
    };
    const end = (): void => {
      clearInterval(timer);
      bar?.stop();
      this.endLive();
    };
    return { progress, end };
  }

  private erase(): void {
    if (this.live !== '') this.out.write('\r\u001b[2K');
  }

  private draw(): void {
    if (this.live !== '') this.out.write(this.live);
  }
}

/** A table whose columns line up; numbers and text alike are left-aligned. */
export function table(rows: readonly (readonly string[])[], header?: readonly string[]): string {
  const all = header === undefined ? rows : [header, ...rows];
  const widths = all.reduce<number[]>((found, row) => {
    row.forEach((cell, index) => {
      found[index] = Math.max(found[index] ?? 0, cell.length);
    });
    return found;
  }, []);
  return all
    .map((row) =>
      row
        .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
