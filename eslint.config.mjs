/**
 * What the type-checker alone lets through and this house does not: promises nobody awaits, switches
 * that forget a case, `any`, code in domain/ and workflows/ that reaches for the clock, chance or the
 * machine, and files or functions too large to read at once. Layout is biome's, unused code knip's.
 * test/house/lint-rules.test.ts plants a violation of each.
 */

import { builtinModules } from 'node:module';
import { basename, relative } from 'node:path';
import tseslint from 'typescript-eslint';

/** Names that say nothing of what is inside; a file is named after what it decides or owns. */
const emptyNames = /((^|[-.])(utils?|helpers?|managers?)|(^|[.])types)[.]/;
const kebabCase = /^[.]?[a-z0-9]+(-[a-z0-9]+)*([.][a-z0-9]+(-[a-z0-9]+)*)*[.](ts|tsx|js|mjs|cjs)$/;
/** Migrations are ordered by their number: `0001_tenancy.ts`. */
const migrationName = /^[0-9]{4}_[a-z0-9]+(_[a-z0-9]+)*[.]ts$/;

const fileName = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    return {
      Program(node) {
        const name = basename(context.filename);
        const path = relative(context.cwd, context.filename);
        if (emptyNames.test(name)) {
          context.report({ node, message: `"${name}" says nothing: name the file after what it owns.` });
        } else if (
          !kebabCase.test(name) &&
          !(path.startsWith('db/migrations/') && migrationName.test(name))
        ) {
          context.report({ node, message: `"${name}" is not kebab-case.` });
        }
      },
    };
  },
};

const impure = 'Pure code has no clock, chance or machine: take it from the snapshot or an activity.';
const builtins = builtinModules.filter((name) => !name.startsWith('_'));

const noBuiltins = [
  'error',
  {
    paths: builtins.map((name) => ({ name, message: impure })),
    patterns: [{ group: ['node:*'], message: impure }],
  },
];
const noClock = [
  'error',
  { object: 'Date', property: 'now', message: impure },
  { object: 'Math', property: 'random', message: impure },
  { object: 'performance', property: 'now', message: impure },
  { object: 'crypto', property: 'randomUUID', message: impure },
];
const noBareDate = [
  'error',
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: impure },
  { selector: "CallExpression[callee.name='Date']", message: impure },
];
const machineGlobals = ['process', 'Buffer', 'fetch', 'crypto', 'performance', 'setImmediate'];
const timerGlobals = ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'];
const banned = (names) => ['error', ...names.map((name) => ({ name, message: impure }))];

export default tseslint.config(
  { ignores: ['node_modules/', '.quayside/', 'coverage/', 'tmp/', 'web/', 'test/fixtures/'] },
  {
    files: ['**/*.{ts,js,cjs,mjs}'],
    plugins: { house: { rules: { 'file-name': fileName } } },
    rules: { 'house/file-name': 'error', 'max-lines': ['error', { max: 400 }] },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: process.cwd() } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'no-console': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      // `import()` types name what is loaded lazily: the CLI loads a command when it is asked for.
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      // A require is a lazy load: right where loading costs much, and then its line says so.
      '@typescript-eslint/no-require-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['**/*.ts'],
    // A table of tests is one long function by nature; a migration is one list of statements.
    ignores: ['test/**', 'db/migrations/**'],
    rules: {
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // Where the decisions are, a default branch does not count as covering the cases: it is how a new
    // state or reason slips through unnoticed.
    files: ['domain/**/*.ts', 'workflows/**/*.ts'],
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: false },
      ],
    },
  },
  {
    // Programs that a person reads on a terminal.
    files: ['cli/**', 'bench/**', 'test/**', 'checks/**', 'api/openapi-check.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['domain/**/*.ts'],
    rules: {
      'no-restricted-imports': noBuiltins,
      'no-restricted-properties': noClock,
      'no-restricted-syntax': noBareDate,
      'no-restricted-globals': banned([...machineGlobals, ...timerGlobals]),
    },
  },
  {
    // Inside the workflow sandbox the clock, chance and timers are replayed ones, so they would work;
    // they are banned but for timers, because a step that needs them belongs in an activity, visible.
    files: ['workflows/**/*.ts'],
    rules: {
      'no-restricted-imports': noBuiltins,
      'no-restricted-properties': noClock,
      'no-restricted-syntax': noBareDate,
      'no-restricted-globals': banned(machineGlobals),
    },
  },
);
