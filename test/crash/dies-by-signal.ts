/** Runs one of this folder's scripts until SIGKILL ended it. */
import { spawn } from 'node:child_process';
import path from 'node:path';

/** @throws when it ended by anything else: then it did not come to the moment it was to die at. */
export async function diesBySignal(script: string, orders: object): Promise<void> {
  const file = path.join(__dirname, script);
  const child = spawn(process.execPath, ['--import', 'tsx', file, JSON.stringify(orders)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A script that misses its moment must not outlive its test.
    timeout: 20_000,
    killSignal: 'SIGTERM',
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  const signal = await new Promise((resolve) => child.once('close', (_code, name) => resolve(name)));
  if (signal !== 'SIGKILL') throw new Error(`${script} was not killed (${String(signal)}): ${said}`);
}
