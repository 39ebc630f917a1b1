/**
 * What a simulated partner remembers, by kind and id. Kept in memory and, when a file is given, in an
 * append-only log of JSON lines beside it: a line is written before the call is answered, so a
 * simulator that is killed forgets nothing it said yes to (a power loss is not covered: no fsync).
 * The log is rewritten with the living records only when it is opened. A torn last line, which only a
 * kill in mid-write leaves, is dropped: its call was never answered.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

interface LogLine {
  readonly kind: string;
  readonly id: string;
  /** Absent when the record was removed. */
  readonly value?: unknown;
}

export class PartnerMemory {
  private readonly kinds = new Map<string, Map<string, unknown>>();
  private descriptor: number | undefined;

  /** @throws the file system's error when the file can't be opened. */
  constructor(stateFile?: string) {
    if (stateFile === undefined) return;
    mkdirSync(dirname(stateFile), { recursive: true });
    if (existsSync(stateFile)) this.replay(readFileSync(stateFile, 'utf8'));
    const compacted = `${stateFile}.new`;
    writeFileSync(compacted, this.dump());
    renameSync(compacted, stateFile);
    this.descriptor = openSync(stateFile, 'a');
  }

  get<T>(kind: string, id: string): T | undefined {
    // The caller names the type it put under this kind; the log is written by nobody else.
    return this.kinds.get(kind)?.get(id) as T | undefined;
  }

  /** All records of a kind, in the order of their first put. */
  list<T>(kind: string): T[] {
    return [...(this.kinds.get(kind)?.values() ?? [])] as T[];
  }

  count(kind: string): number {
    return this.kinds.get(kind)?.size ?? 0;
  }

  put<T>(kind: string, id: string, value: T): T {
    this.keep(kind, id, value);
    this.append({ kind, id, value });
    return value;
  }

  remove(kind: string, id: string): void {
    if (this.kinds.get(kind)?.delete(id)) this.append({ kind, id });
  }

  /** The next whole number of a named series, from 1. */
  next(series: string): number {
    const value = (this.get<number>('series', series) ?? 0) + 1;
    return this.put('series', series, value);
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  private keep(kind: string, id: string, value: unknown): void {
    const records = this.kinds.get(kind) ?? new Map<string, unknown>();
    records.set(id, value);
    this.kinds.set(kind, records);
  }

  private append(line: LogLine): void {
    if (this.descriptor !== undefined) writeSync(this.descriptor, `${JSON.stringify(line)}\n`);
  }

  private replay(log: string): void {
    const lines = log.split('\n');
    // What follows the last line feed is either nothing or a torn line.
    lines.pop();
    for (const text of lines) {
      const line = JSON.parse(text) as LogLine;
      if ('value' in line) this.keep(line.kind, line.id, line.value);
      else this.kinds.get(line.kind)?.delete(line.id);
    }
  }

  private dump(): string {
    let log = '';
    for (const [kind, records] of this.kinds) {
      for (const [id, value] of records) log += `${JSON.stringify({ kind, id, value })}\n`;
    }
    return log;
  }
}
