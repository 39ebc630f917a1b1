/**
 * CPU time of a process and everything it started, by what each process is for. Linux alone tells it by
 * /proc; elsewhere there are no such figures. What a process's ended children used counts as its own.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** The unit of /proc/<pid>/stat on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly seconds: number;
  readonly command: string;
}

/** Seconds of user and system time by label. */
export type CpuTimes = ReadonlyMap<string, number>;

/**
 * @param root pid of the process at the top.
 * @param labelOf what a command line is for; null: the same as its parent.
 */
export function cpuTimes(root: number, labelOf: (command: string) => string | null): CpuTimes {
  const processes = readProcesses();
  const times = new Map<string, number>();
  const add = (process: Process, inherited: string): void => {
    const label = labelOf(process.command) ?? inherited;
    times.set(label, (times.get(label) ?? 0) + process.seconds);
    for (const child of processes) if (child.parent === process.pid) add(child, label);
  };
  const top = processes.find(({ pid }) => pid === root);
  if (top !== undefined) add(top, 'supervisor');
  return times;
}

export function cpuBetween(before: CpuTimes, after: CpuTimes): Map<string, number> {
  return new Map([...after].map(([label, seconds]) => [label, seconds - (before.get(label) ?? 0)]));
}

function readProcesses(): Process[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(Number.isInteger)
    .flatMap((pid) => readProcess(pid) ?? []);
}

function readProcess(pid: number): Process | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    // The command's name, in parentheses, may hold blanks; fields are counted after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { pid, parent: Number(fields[1]), seconds: ticks / TICKS_PER_SECOND, command };
  } catch {
    // It ended while we read.
    return null;
  }
}
