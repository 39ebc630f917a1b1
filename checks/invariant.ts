/**
 * An invariant of docs/reliability as something that can be looked up: queries that count what was
 * looked at and name what is wrong. All of a run read one snapshot, so an engine at work is never caught
 * between two transactions.
 */
import type { Tx } from '../db/client';

export interface Probe {
  /** What is compared, in a few words. */
  readonly what: string;
  /** One row with `checked`, a count. */
  readonly checked: string;
  /** One row a violation, with a text `fault`: ids and figures, no personal data. */
  readonly faults: string;
}

export interface Looked {
  readonly checked: number;
  /** Violations in all. */
  readonly faults: number;
  /** The first of them, in words. */
  readonly examples: readonly string[];
}

export interface CheckOptions {
  /** How long a message may be due before nobody seems to send it, in seconds. */
  readonly outboxGraceSeconds: number;
}

export type Invariant = {
  /** Its number in docs/reliability, or a name where it has none. */
  readonly id: string;
  readonly name: string;
} & (
  | { readonly look: (tx: Tx, options: CheckOptions) => Promise<Looked> }
  /** Read by tests, or by nobody yet: said, so that nobody takes silence for proof. */
  | { readonly elsewhere: 'not built yet' | 'by test' }
);

/** More would not help whoever reads it. */
export const EXAMPLES = 20;

export async function probe(tx: Tx, { what, checked, faults }: Probe): Promise<Looked> {
  const [count] = await tx.rows<{ checked: bigint }>({ text: checked });
  const [row] = await tx.rows<{ faults: bigint; examples: string[] }>({
    text: `with f as materialized (${faults})
      select (select count(*) from f) as faults, array(select fault from f limit ${EXAMPLES}) as examples`,
  });
  return {
    checked: Number(count?.checked ?? 0),
    faults: Number(row?.faults ?? 0),
    examples: (row?.examples ?? []).map((fault) => `${what}: ${fault}`),
  };
}

/** Several looks as one. */
export function together(looks: readonly Looked[]): Looked {
  return {
    checked: looks.reduce((sum, look) => sum + look.checked, 0),
    faults: looks.reduce((sum, look) => sum + look.faults, 0),
    examples: looks.flatMap((look) => look.examples).slice(0, EXAMPLES),
  };
}

/** An invariant that is nothing but probes. */
export function byProbes(id: string, name: string, probes: readonly Probe[]): Invariant {
  return {
    id,
    name,
    look: async (tx) => {
      const looks: Looked[] = [];
      for (const each of probes) looks.push(await probe(tx, each));
      return together(looks);
    },
  };
}
