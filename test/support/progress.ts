/** How far a long run is: a bar on a terminal, else a line now and then, on standard error. */
import { SingleBar } from 'cli-progress';

/** Elsewhere than on a terminal; a log of an hour stays readable. */
const LINE_EVERY_MS = 30_000;

export async function withProgress<T>(
  name: string,
  total: number,
  work: (at: (done: number) => void) => Promise<T>,
): Promise<T> {
  const began = Date.now();
  const format = `${name} [{bar}] {value}/{total}, {eta_formatted} left`;
  const bar = process.stderr.isTTY ? new SingleBar({ format, stream: process.stderr }) : null;
  bar?.start(total, 0);
  let saidAt = began;
  const at = (done: number): void => {
    bar?.update(done);
    if (bar !== null || Date.now() - saidAt < LINE_EVERY_MS) return;
    saidAt = Date.now();
    process.stderr.write(`${name}: ${done} of ${total}\n`);
  };
  try {
    return await work(at);
  } finally {
    bar?.stop();
    process.stderr.write(`${name}: ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
  }
}
