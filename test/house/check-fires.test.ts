/**
 * `npm run check` sees what it says it sees: a copy of this clone with one fault for each of its parts, and
 * each part fails and names the fault. `lint` and `imports` are shown rule by rule beside this.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyClone } from '../support/clone-copy';

/** What is wrong, in which file, and by which words the part must name it. */
const PLANTS: readonly (readonly [part: string, file: string, fault: string, named: RegExp])[] = [
  ['format', 'api/planted-format.ts', 'export  const  PLANTED = 1\n', /planted-format\.ts/],
  [
    'types',
    'api/planted-types.ts',
    "const planted: number = 'one';\nvoid planted;\n",
    /planted-types\.ts\(1,7\)/,
  ],
  ['unused', 'domain/planted-unused.ts', 'export const planted = 1;\n', /domain\/planted-unused\.ts/],
];

const PARTS = [...PLANTS.map(([part]) => part), 'schema', 'openapi'];

const copy = copyClone();
let said = '';

beforeAll(() => {
  for (const [, file, fault] of PLANTS) writeFileSync(join(copy, file), fault);
  appendFileSync(join(copy, 'db', 'schema.sql'), '-- planted\n');
  const routes = join(copy, 'api', 'orders.routes.ts');
  const text = readFileSync(routes, 'utf8');
  writeFileSync(routes, text.replace("operationId: 'getOrder'", "operationId: 'listOrders'"));
  const run = spawnSync(process.execPath, ['--import', 'tsx', 'checks/house/run.ts', ...PARTS], {
    cwd: copy,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  said = run.stdout + run.stderr;
  expect(run.status).toBe(1);
  // Ten seconds on two cores that are free.
}, 240_000);

afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** What the check printed of one part: from its line to the next part's. */
function outputOf(part: string): string {
  return (
    new RegExp(`^(?:ok  |FAIL)  ${part} [\\s\\S]*?(?=^(?:ok  |FAIL)  |^checks: )`, 'm').exec(said)?.[0] ??
    said
  );
}

test.each(PLANTS)('%s fails for %s', (part, _file, _fault, named) => {
  expect(outputOf(part)).toMatch(/^FAIL/);
  expect(outputOf(part)).toMatch(named);
});

test.each([
  ['schema', /planted/],
  ['openapi', /listOrders names two operations/],
])('%s fails for what differs', (part, named) => {
  expect(outputOf(part)).toMatch(/^FAIL/);
  expect(outputOf(part)).toMatch(named);
});

test('a closing line counts them', () => {
  expect(said).toMatch(/checks: 0 passed, 5 failed in/);
});
