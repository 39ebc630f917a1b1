/** A smoke is told step by step, one line each, and closes with the line that `.ci/run` counts. */

export type Step = readonly [name: string, act: () => Promise<unknown>];

/**
 * Takes the steps one after the other; the first that fails ends it, and those behind it count as failed.
 * @param lastLines what to show of the engine when a step fails.
 * @returns how many failed.
 */
export async function tell(smoke: string, steps: readonly Step[], lastLines: () => string): Promise<number> {
  let passed = 0;
  for (const [name, act] of steps) {
    const started = Date.now();
    const error = await act().then(
      () => null,
      (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason))),
    );
    const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6);
    console.log(`${error === null ? 'ok  ' : 'FAIL'} ${seconds} s  ${name}`);
    if (error !== null) {
      console.log(`${error.message}\n--- the engine's last lines ---\n${lastLines().slice(-4_000)}`);
      break;
    }
    passed += 1;
  }
  console.log(`${smoke}: ${passed} passed, ${steps.length - passed} failed`);
  return steps.length - passed;
}
