/**
 * `npm run check`: what must hold before a change is pushed, without starting the engine. Each part
 * is a command of its own, listed below, and prints one line with its result and time; only a failing
 * part shows its output. `npm run check -- lint types` runs some of them. Nothing is retried and no
 * part changes a file (`npm run format` does). Exit code 1 when a part fails, 2 for an unknown name.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');

interface Part {
  readonly name: string;
  /** A script for node, with its arguments, relative to the root: npx alone costs 0.5 s a part. */
  readonly script: readonly string[];
  /** What it says when all is well, for a program whose exit code alone can't be trusted. */
  readonly wellWhen?: string;
}

// Longest first, so that no lane ends with the long one alone.
const parts: readonly Part[] = [
  { name: 'lint', script: ['node_modules/eslint/bin/eslint.js', '--max-warnings', '0', '.'] },
  { name: 'types', script: ['node_modules/typescript/bin/tsc', '-p', '.'] },
  { name: 'schema', script: ['--import', 'tsx', 'cli/dump-schema.ts', '--check'] },
  { name: 'openapi', script: ['--import', 'tsx', 'api/openapi-check.ts'] },
  {
    name: 'imports',
    script: [
      'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
      '--config',
      '.dependency-cruiser.cjs',
      '--output-type',
      'err',
      '.',
    ],
    // It ends with the number of violations, of which the system keeps one byte: 256 would pass.
    wellWhen: 'no dependency violations found',
  },
  { name: 'unused', script: ['node_modules/knip/bin/knip.js', '--no-progress', '--no-config-hints'] },
  { name: 'format', script: ['node_modules/@biomejs/biome/bin/biome', 'check', '.'] },
];

// A part that takes longer than this hangs: the slowest, lint, takes 25 s on two cores that are free.
const partTimeoutMs = 180_000;

interface Outcome {
  readonly ok: boolean;
  readonly seconds: number;
  readonly output: string;
}

function runPart(part: Part): Promise<Outcome> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, part.script, { cwd: root, timeout: partTimeoutMs });
    const chunks: Buffer[] = [];
    const finish = (ended: boolean, reason = ''): void => {
      const said = Buffer.concat(chunks).toString('utf8');
      const ok = ended && said.includes(part.wellWhen ?? '');
      resolve({ ok, seconds: (performance.now() - started) / 1000, output: said + reason });
    };
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => finish(false, `${error.message}\n`));
    child.on('close', (code, signal) => finish(code === 0, signal === null ? '' : `ended by ${signal}\n`));
  });
}

/** Takes parts from the shared queue until it is empty; returns how many failed. */
async function runLane(queue: Part[]): Promise<number> {
  let failed = 0;
  for (let part = queue.shift(); part !== undefined; part = queue.shift()) {
    const outcome = await runPart(part);
    const mark = outcome.ok ? 'ok  ' : 'FAIL';
    console.log(`${mark}  ${part.name.padEnd(8)} ${outcome.seconds.toFixed(1).padStart(5)} s`);
    if (!outcome.ok) {
      failed += 1;
      console.log(`${outcome.output.trimEnd()}\n`);
    }
  }
  return failed;
}

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !parts.some((part) => part.name === name));
  if (unknown.length > 0) {
    console.error(`no part named ${unknown.join(', ')}; there are: ${parts.map((p) => p.name).join(', ')}`);
    return 2;
  }
  const queue = parts.filter((part) => names.length === 0 || names.includes(part.name));
  const total = queue.length;
  const started = performance.now();
  const lanes = Math.max(1, Math.min(availableParallelism(), total));
  const failures = await Promise.all(Array.from({ length: lanes }, () => runLane(queue)));
  const failed = failures.reduce((sum, count) => sum + count, 0);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`checks: ${total - failed} passed, ${failed} failed in ${seconds} s`);
  return failed === 0 ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
