/**
 * The habits that eslint.config.mjs holds, each shown to fire: one small planted tree in a temporary
 * directory, linted once by the repository's own configuration. Each planted file breaks one rule.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(__dirname, '..', '..');

const lines = (count: number, line: string) => Array.from({ length: count }, () => line).join('\n');
const unionSwitch = `type Kind = 'a' | 'b';
export function f(kind: Kind): number {
  switch (kind) {
    case 'a':
      return 1;
  DEFAULT
  }
  return 0;
}`;

const plants: readonly (readonly [rule: string, file: string, code: string])[] = [
  ['@typescript-eslint/no-floating-promises', 'api/floating.ts', 'Promise.resolve(1);'],
  ['@typescript-eslint/no-misused-promises', 'api/misused.ts', 'if (Promise.resolve(true)) void 0;'],
  [
    '@typescript-eslint/consistent-type-imports',
    'api/imports.ts',
    "import { Stats } from 'node:fs';\nexport type S = Stats;",
  ],
  ['@typescript-eslint/no-require-imports', 'api/lazy.ts', "export const fs: unknown = require('node:fs');"],
  ['@typescript-eslint/no-explicit-any', 'api/any.ts', 'export const x: any = 1;'],
  ['@typescript-eslint/switch-exhaustiveness-check', 'api/switch.ts', unionSwitch.replace('DEFAULT', '')],
  [
    '@typescript-eslint/switch-exhaustiveness-check',
    'domain/switch.ts',
    unionSwitch.replace('DEFAULT', 'default: return 2;'),
  ],
  ['max-lines', 'api/long.ts', lines(401, '// one line')],
  ['max-lines-per-function', 'api/sprawl.ts', `export function f(): void {\n${lines(70, 'void 0;')}\n}`],
  ['no-console', 'api/console.ts', "console.log('x');"],
  ['house/file-name', 'api/utils.ts', 'export {};'],
  ['house/file-name', 'api/order-helpers.ts', 'export {};'],
  ['house/file-name', 'api/stock-manager.ts', 'export {};'],
  ['house/file-name', 'api/types.ts', 'export {};'],
  ['house/file-name', 'api/OrderRoutes.ts', 'export {};'],
  ...['domain', 'workflows/order'].flatMap((folder): [string, string, string][] => [
    ['no-restricted-imports', `${folder}/node-prefixed.ts`, "import 'node:crypto';"],
    ['no-restricted-imports', `${folder}/bare-builtin.ts`, "import 'fs';"],
    ['no-restricted-properties', `${folder}/clock.ts`, 'export const now = Date.now();'],
    ['no-restricted-properties', `${folder}/chance.ts`, 'export const x = Math.random();'],
    ['no-restricted-syntax', `${folder}/bare-date.ts`, 'export const now = new Date();'],
    ['no-restricted-globals', `${folder}/machine.ts`, 'export const p = process.pid;'],
  ]),
  ['no-restricted-globals', 'domain/timer.ts', 'setTimeout(() => undefined, 1);'],
];

const allowed: readonly (readonly [file: string, code: string])[] = [
  ['domain/given-date.ts', 'export const day = (iso: string) => new Date(iso);'],
  ['domain/failure-types.ts', 'export {};'],
  ['workflows/order/timer.ts', 'setTimeout(() => undefined, 1);'],
  ['db/migrations/0001_tenancy.ts', 'export {};'],
  ['api/default-branch.ts', unionSwitch.replace('DEFAULT', 'default: return 2;')],
];

interface LintedFile {
  readonly filePath: string;
  readonly messages: readonly { readonly ruleId: string | null; readonly message: string }[];
}

describe('lint rules', () => {
  const tree = mkdtempSync(join(tmpdir(), 'quayside-lint-'));
  const broken = new Map<string, string[]>();

  beforeAll(() => {
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
    writeFileSync(join(tree, 'tsconfig.json'), readFileSync(join(root, 'tsconfig.json'), 'utf8'));
    for (const [file, code] of [...plants.map(([, file, code]) => [file, code] as const), ...allowed]) {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      writeFileSync(join(tree, file), code);
    }
    const eslint = join(root, 'node_modules/eslint/bin/eslint.js');
    const args = [eslint, '--config', join(root, 'eslint.config.mjs'), '--format', 'json', '.'];
    const run = spawnSync(process.execPath, args, { cwd: tree, encoding: 'utf8', maxBuffer: 64 << 20 });
    if (!run.stdout.startsWith('[')) throw new Error(`eslint failed: ${run.stderr}`);
    for (const file of JSON.parse(run.stdout) as LintedFile[]) {
      broken.set(
        file.filePath.slice(tree.length + 1),
        file.messages.map((m) => m.ruleId ?? m.message),
      );
    }
  }, 30_000);

  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  test.each(plants)('%s fires, alone, for %s', (rule, file) => {
    expect([...new Set(broken.get(file))]).toEqual([rule]);
  });

  test.each(allowed)('%s breaks no rule', (file) => {
    expect(broken.get(file)).toEqual([]);
  });
});
