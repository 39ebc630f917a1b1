/** What moved: one cause with its lines, the reservations whose goods go along, and those that end with it. */
import type { LedgerCause, LedgerLine } from '../../db/ledger.repo';

export interface MovementLine extends LedgerLine {
  /** The reservation whose allocation travels with the goods from bin to bin. */
  readonly reservationId?: string;
  /** Numbers of the units, for goods that have them; as many as units. */
  readonly serials?: readonly string[];
}

export interface Movement extends LedgerCause {
  readonly lines: readonly MovementLine[];
  /** Reservations that end with this movement, because their goods leave. One that ended already stays so. */
  readonly consume?: readonly string[];
}

/** The same goods: units that have numbers by them, the others beside them. No more names are taken than units. */
export function byUnit(line: MovementLine, serials: readonly string[]): MovementLine[] {
  const named = serials.slice(0, line.quantity);
  const rest = line.quantity - named.length;
  return [
    ...(named.length > 0 ? [{ ...line, quantity: named.length, serials: named }] : []),
    ...(rest > 0 ? [{ ...line, quantity: rest }] : []),
  ];
}
