/** A measured figure, as a line of JSON or a row of a table. */
import { cpus, totalmem } from 'node:os';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, measured in the same run. */
  readonly baseline: number | null;
  /** value ÷ baseline. */
  readonly ratio: number | null;
  /** What is to be reached: by the ratio where there is one, else by the value. */
  readonly goal: number | null;
  readonly met: boolean | null;
  readonly machine: string;
  readonly seed: number;
  /** Under what settings it was measured, where they matter. */
  readonly note: string | null;
}

export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline?: number;
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number };
  readonly note?: string;
}

export function figure(measured: Measured, seed: number): Figure {
  const { name, unit } = measured;
  const value = rounded(measured.value);
  const baseline = measured.baseline === undefined ? null : rounded(measured.baseline);
  const ratio = measured.baseline === undefined ? null : rounded(measured.value / measured.baseline);
  const judged = ratio ?? value;
  const { goal } = measured;
  const bound = goal === undefined ? null : 'atLeast' in goal ? goal.atLeast : goal.atMost;
  const met = goal === undefined ? null : 'atLeast' in goal ? judged >= goal.atLeast : judged <= goal.atMost;
  return {
    name,
    value,
    unit,
    baseline,
    ratio,
    goal: bound,
    met,
    machine: machine(),
    seed,
    note: measured.note ?? null,
  };
}

function machine(): string {
  const gib = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} cores, ${gib} GiB, ${process.platform} ${process.arch}, Node ${process.versions.node}`;
}

/** Three significant places of what is small, three decimals of the rest. */
function rounded(value: number): number {
  return Math.abs(value) < 0.1 ? Number(value.toPrecision(3)) : Number(value.toFixed(3));
}

export function tableOf(figures: readonly Figure[]): string {
  const text = (value: number | null) => (value === null ? '' : String(value));
  const rows = [
    ['FIGURE', 'VALUE', 'UNIT', 'BASELINE', 'RATIO', 'GOAL', 'MET'],
    ...figures.map((one) => [
      one.name,
      text(one.value),
      one.unit,
      text(one.baseline),
      text(one.ratio),
      text(one.goal),
      one.met === null ? '' : one.met ? 'yes' : 'NO',
    ]),
  ];
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const [first] = figures;
  const notes = [...new Set(figures.flatMap(({ note }) => note ?? []))];
  return [...lines, '', ...notes, first === undefined ? '' : `${first.machine}; seed ${first.seed}`].join(
    '\n',
  );
}
