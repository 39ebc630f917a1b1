/**
 * The import table of docs/architecture.md, held from both sides: for every rule of
 * .dependency-cruiser.cjs a planted violation that breaks exactly that rule, and for every row the
 * edges it allows. All of it is one small tree in a temporary directory, cruised once; then the real
 * tree is cruised with the same file. A rule without a plant fails the first test.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(__dirname, '..', '..');
const configFile = join(root, '.dependency-cruiser.cjs');

interface Plant {
  /** The rule that must fire, alone; null: an allowed edge, on which none may. */
  readonly rule: string | null;
  readonly from: string;
  readonly code: string;
}

/** Shorthand: `from` imports these modules, in code or as types. */
const value = (...targets: string[]) => targets.map((t) => `import '${t}';`).join('\n');
const type = (...targets: string[]) =>
  targets.map((t, i) => `import type { T${i} } from '${t}';\nexport type U${i} = T${i};`).join('\n');

const row = (name: string) => `${name}-imports-only-its-row`;
const forbidden: Plant[] = [
  // One plant a row: the edge that would hurt most, and where it says something, the type-only form.
  { rule: row('domain'), from: 'domain/a.ts', code: type('../db/leaf') },
  { rule: row('domain'), from: 'domain/b.ts', code: value('luxon') },
  { rule: row('domain'), from: 'domain/c.ts', code: type('../contracts/leaf') },
  { rule: row('contracts'), from: 'contracts/a.ts', code: type('../db/leaf') },
  { rule: row('contracts'), from: 'contracts/b.ts', code: value('luxon') },
  { rule: row('connectors'), from: 'connectors/wms/a.ts', code: value('../../db/leaf') },
  { rule: row('connectors'), from: 'connectors/wms/b.ts', code: value('../../config') },
  { rule: row('documents'), from: 'documents/a.ts', code: value('../contracts/leaf') },
  { rule: row('simulators'), from: 'simulators/a.ts', code: value('../db/leaf') },
  { rule: row('simulators'), from: 'simulators/b.ts', code: value('../connectors/leaf') },
  { rule: row('simulators'), from: 'simulators/c.ts', code: value('../config') },
  { rule: row('db'), from: 'db/a.ts', code: type('../contracts/leaf') },
  { rule: row('commands'), from: 'commands/a.ts', code: value('../connectors/leaf') },
  { rule: row('commands'), from: 'commands/b.ts', code: type('../workflows/order/order.messages') },
  {
    rule: row('workflow-contracts'),
    from: 'workflows/order/a.messages.ts',
    code: type('../../contracts/leaf'),
  },
  { rule: row('workflow-contracts'), from: 'workflows/order/b.messages.ts', code: type('./order.workflow') },
  { rule: row('workflows'), from: 'workflows/order/a.ts', code: type('../../contracts/leaf') },
  { rule: row('workflows'), from: 'workflows/order/b.ts', code: value('@temporalio/client') },
  { rule: row('temporal'), from: 'temporal/a.ts', code: type('../workflows/order/order.workflow') },
  { rule: row('temporal'), from: 'temporal/b.ts', code: value('../db/leaf') },
  { rule: row('activities'), from: 'activities/a.ts', code: value('../temporal/leaf') },
  { rule: row('activities'), from: 'activities/b.ts', code: type('../workflows/order/order.messages') },
  { rule: row('dispatcher'), from: 'dispatcher/a.ts', code: value('../activities/leaf') },
  { rule: row('dispatcher'), from: 'dispatcher/b.ts', code: value('../workflows/order/order.messages') },
  { rule: row('api'), from: 'api/a.ts', code: value('../connectors/leaf') },
  { rule: row('api'), from: 'api/b.ts', code: value('../activities/leaf') },
  { rule: row('workers'), from: 'workers/a.ts', code: value('../workflows/index') },
  { rule: row('workers'), from: 'workers/b.ts', code: type('../workflows/order/order.messages') },
  { rule: row('provision'), from: 'provision/a.ts', code: value('../workers/leaf') },
  { rule: row('checks'), from: 'checks/a.ts', code: value('../simulators/leaf') },
  { rule: row('web'), from: 'web/a.ts', code: type('../domain/leaf') },
  { rule: row('root-files'), from: 'telemetry.ts', code: value('./db/leaf') },
  { rule: row('bin'), from: 'bin/a.ts', code: value('../api/leaf') },
  {
    rule: 'workflows-import-activities-as-types',
    from: 'workflows/order/c.ts',
    code: value('../../activities/leaf'),
  },
  {
    rule: 'api-imports-workflows-as-types',
    from: 'api/c.ts',
    code: value('../workflows/order/order.workflow'),
  },
  { rule: 'web-imports-contracts-as-types', from: 'web/b.ts', code: value('../contracts/leaf') },
  { rule: 'no-node-builtins-in-pure-code', from: 'domain/d.ts', code: value('node:fs') },
  { rule: 'no-node-builtins-in-pure-code', from: 'contracts/c.ts', code: value('crypto') },
  { rule: 'no-node-builtins-in-pure-code', from: 'workflows/order/d.ts', code: value('node:crypto') },
  { rule: 'nobody-imports-tests-or-benchmarks', from: 'domain/e.ts', code: type('../test/leaf') },
  { rule: 'nobody-imports-tests-or-benchmarks', from: 'cli/a.ts', code: value('../bench/leaf') },
  { rule: 'tests-reach-the-cli-as-a-process', from: 'test/a.ts', code: value('../cli/leaf') },
  { rule: 'tests-reach-the-cli-as-a-process', from: 'bench/a.ts', code: value('../cli/leaf') },
  { rule: 'every-folder-has-a-row', from: 'shared/a.ts', code: value('../domain/leaf') },
  { rule: 'no-development-package-in-the-product', from: 'db/b.ts', code: value('fast-check') },
  { rule: 'no-circles', from: 'domain/circle.ts', code: type('./elcric') },
  { rule: 'no-unresolved-import', from: 'domain/f.ts', code: value('../db/absent') },
];

const allowed: Plant[] = [
  { from: 'domain/ok.ts', code: value('zod', './leaf') },
  { from: 'contracts/ok.ts', code: value('zod', '../domain/leaf') },
  {
    from: 'connectors/carriers/ok.ts',
    code: value('../../domain/leaf', '../../contracts/leaf', '../../telemetry', 'luxon', 'node:fs'),
  },
  { from: 'documents/ok.ts', code: value('../domain/leaf', 'luxon') },
  {
    from: 'simulators/ok.ts',
    code: value('../domain/leaf', '../contracts/leaf', '../documents/leaf', 'node:http'),
  },
  { from: 'db/ok.ts', code: value('../domain/leaf', 'luxon') },
  {
    from: 'commands/ok.ts',
    code: value('../domain/leaf', '../contracts/leaf', '../db/leaf', '../telemetry'),
  },
  {
    from: 'workflows/order/order.messages.ts',
    code: value('../../domain/leaf', '@temporalio/workflow', '@temporalio/common'),
  },
  { from: 'workflows/shared/task-queues.ts', code: value('../../domain/leaf', '@temporalio/common') },
  { from: 'workflows/shared/search-attributes.ts', code: value('../../domain/leaf', '@temporalio/common') },
  {
    from: 'workflows/order/order.workflow.ts',
    code: `${value('../../domain/leaf', './order.messages', '../shared/task-queues', '@temporalio/workflow', '@temporalio/common')}
${type('../../activities/leaf')}`,
  },
  { from: 'workflows/index.ts', code: value('./order/order.workflow') },
  {
    from: 'temporal/ok.ts',
    code: value(
      '../domain/leaf',
      '../workflows/order/order.messages',
      '../workflows/shared/search-attributes',
      '../workflows/shared/task-queues',
      '../config',
      '@temporalio/client',
      '@temporalio/common',
    ),
  },
  {
    from: 'activities/ok.ts',
    code: value(
      '../domain/leaf',
      '../contracts/leaf',
      '../db/leaf',
      '../commands/leaf',
      '../connectors/leaf',
      '../documents/leaf',
      '../telemetry',
      '@temporalio/common',
    ),
  },
  {
    from: 'dispatcher/ok.ts',
    code: value(
      '../commands/leaf',
      '../connectors/leaf',
      '../db/leaf',
      '../temporal/leaf',
      '../domain/leaf',
      '../contracts/leaf',
      '../telemetry',
      '../config',
    ),
  },
  {
    from: 'api/ok.ts',
    code: `${value('../contracts/leaf', '../domain/leaf', '../db/leaf', '../commands/leaf', '../temporal/leaf', '../documents/leaf', '../telemetry', '../config', '../connectors/channels/shopify/webhook', '../workflows/order/order.messages')}
${type('../workflows/order/order.workflow')}`,
  },
  {
    from: 'workers/ok.ts',
    code: value(
      '../activities/leaf',
      '../connectors/leaf',
      '../db/leaf',
      '../commands/leaf',
      '../temporal/leaf',
      '../domain/leaf',
      '../contracts/leaf',
      '../telemetry',
      '../config',
      '../workflows/shared/search-attributes',
      '../workflows/shared/task-queues',
    ),
  },
  {
    from: 'provision/ok.ts',
    code: value('../config', '../db/leaf', '../domain/leaf', '../temporal/leaf', 'node:child_process'),
  },
  { from: 'checks/ok.ts', code: value('../config', '../db/leaf', '../domain/leaf', '../temporal/leaf') },
  { from: 'checks/house/ok.ts', code: value('fast-check') },
  { from: 'web/ok.ts', code: type('../contracts/leaf') },
  {
    from: 'cli/ok.ts',
    code: value(
      '../workers/leaf',
      '../api/leaf',
      '../simulators/leaf',
      '../checks/leaf',
      '../provision/leaf',
    ),
  },
  { from: 'bin/ok.ts', code: value('../cli/leaf') },
  { from: 'config.ts', code: value('./domain/leaf', 'zod', 'node:path') },
  { from: 'test/ok.ts', code: value('../workers/leaf', '../workflows/index', '../bench/leaf', 'fast-check') },
].map((edge) => ({ ...edge, rule: null }));

/** Files that exist only to be imported. */
const leaves = [
  ...'domain contracts connectors documents db commands temporal activities workers api simulators checks provision cli test bench'
    .split(' ')
    .map((folder) => `${folder}/leaf.ts`),
  'connectors/channels/shopify/webhook.ts',
];

interface CruiseReport {
  readonly summary: { readonly violations: readonly { rule: { name: string }; from: string; to: string }[] };
}

/** Runs the cruiser as CI does: the repository's rules, with `cwd` as the root the patterns anchor at. */
function cruise(cwd: string): CruiseReport['summary']['violations'] {
  const cli = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [cli, '--config', configFile, '--output-type', 'json', '.'];
  const run = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (!run.stdout.startsWith('{')) throw new Error(`dependency-cruiser failed: ${run.stderr}`);
  return (JSON.parse(run.stdout) as CruiseReport).summary.violations;
}

/** npm packages of the planted tree: empty stand-ins, so that nothing outside the tree is resolved. */
function plantPackages(tree: string): void {
  const packages = ['zod', 'luxon', '@temporalio/workflow', '@temporalio/common', '@temporalio/client'];
  for (const name of [...packages, 'fast-check']) {
    plantFile(tree, `node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }));
    plantFile(tree, `node_modules/${name}/index.js`, '');
  }
  const dependencies = Object.fromEntries(packages.map((name) => [name, '1.0.0']));
  plantFile(
    tree,
    'package.json',
    JSON.stringify({ dependencies, devDependencies: { 'fast-check': '1.0.0' } }),
  );
  plantFile(tree, 'tsconfig.json', readFileSync(join(root, 'tsconfig.json'), 'utf8'));
}

function plantFile(tree: string, path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), text);
}

describe('import rules', () => {
  const tree = mkdtempSync(join(tmpdir(), 'quayside-imports-'));
  const broken = new Map<string, Set<string>>();

  beforeAll(() => {
    plantPackages(tree);
    for (const leaf of leaves) plantFile(tree, leaf, 'export type T0 = 1; export type T1 = 1;');
    for (const { from, code } of [...forbidden, ...allowed]) plantFile(tree, from, code);
    plantFile(tree, 'domain/elcric.ts', type('./circle'));
    for (const { from, rule } of cruise(tree))
      broken.set(from, (broken.get(from) ?? new Set()).add(rule.name));
  });

  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  test('every rule has a planted violation', () => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- CommonJS outside the TypeScript project
    const { forbidden: rules } = require(configFile) as { forbidden: { name: string }[] };
    expect([...new Set(forbidden.map((plant) => plant.rule))].sort()).toEqual(
      rules.map((r) => r.name).sort(),
    );
  });

  test.each(forbidden)('$rule fires, alone, for $from', ({ from, rule }) => {
    expect([...(broken.get(from) ?? [])]).toEqual([rule]);
  });

  test.each(allowed)('the edges that the table allows $from break no rule', ({ from }) => {
    expect([...(broken.get(from) ?? [])]).toEqual([]);
  });

  test('the real tree breaks no rule', () => {
    const violations = cruise(root).map((v) => `${v.rule.name}: ${v.from} → ${v.to}`);
    expect(violations).toEqual([]);
  }, 30_000);
});
