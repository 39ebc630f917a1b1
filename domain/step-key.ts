/**
 * The one name of a step's effect: `{aggregateId}:{step}:{n}`. It is passed as an argument, never
 * built from a run id or an attempt, so a retried, re-run or resumed step finds what it did before.
 * `n` counts deliberate repetitions (a second label after a void), not retries.
 */
export function stepKey(aggregateId: string, step: string, n = 1): string {
  if (aggregateId === '' || step === '' || step.includes(':') || !Number.isSafeInteger(n) || n < 1) {
    throw new RangeError(`not a step key: ${aggregateId}:${step}:${n}`);
  }
  return `${aggregateId}:${step}:${n}`;
}
