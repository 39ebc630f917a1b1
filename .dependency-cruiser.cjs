/**
 * Who may import whom. Each `row` below is one row of the table in docs/architecture.md and gives one
 * rule named `<row>-imports-only-its-row`; test/house/dependency-rules.test.ts plants a violation of
 * every rule and an allowed edge of every row, so a rule that stops firing fails there first.
 *
 * Every pattern is anchored at the repository's root: an unanchored `domain/` would also match
 * `test/unit/domain/` and `node_modules/x/domain/`.
 */
const messages = '^workflows/.+[.]messages[.]ts$';
const searchAttributes = '^workflows/shared/search-attributes[.]ts$';
const taskQueues = '^workflows/shared/task-queues[.]ts$';
const config = '^config[.]ts$';
const telemetry = '^telemetry[.]ts$';
const temporalInWorkflows = '^node_modules/@temporalio/(workflow|common)/';

const folder = (name) => `^${name}/`;
const folders = (...names) => names.map(folder);

/** What any row may reach besides our own files, where the table says that npm packages are free. */
const npm = '^node_modules/';
/** What these rules leave to `nobody-imports-tests-or-benchmarks`, so that one edge breaks one rule. */
const testsAndBenchmarks = '^(test|bench)/';

/** A row whose npm packages and Node builtins are free. */
function row(name, from, allowed) {
  return {
    name: `${name}-imports-only-its-row`,
    severity: 'error',
    from,
    to: {
      pathNot: [...allowed, npm, testsAndBenchmarks],
      dependencyTypesNot: ['core'],
      couldNotResolve: false,
    },
  };
}

/** A row that lists its npm packages too; Node builtins have the rule `no-node-builtins-in-pure-code`. */
function closedRow(name, from, allowed) {
  return {
    name: `${name}-imports-only-its-row`,
    severity: 'error',
    from,
    to: { pathNot: [...allowed, testsAndBenchmarks], dependencyTypesNot: ['core'], couldNotResolve: false },
  };
}

/** An edge of a row that may carry types but no code. */
function typesOnly(name, from, to) {
  return { name, severity: 'error', from, to: { ...to, dependencyTypesNot: ['type-only'] } };
}

const workflowContracts = { path: [messages, searchAttributes, taskQueues] };
const otherWorkflowFiles = {
  path: '^workflows/',
  pathNot: [messages, searchAttributes, taskQueues],
};

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    closedRow('domain', { path: '^domain/' }, [folder('domain'), '^node_modules/zod/']),
    closedRow('contracts', { path: '^contracts/' }, [
      ...folders('contracts', 'domain'),
      '^node_modules/zod/',
    ]),
    row('connectors', { path: '^connectors/' }, [...folders('connectors', 'domain', 'contracts'), telemetry]),
    row('documents', { path: '^documents/' }, folders('documents', 'domain')),
    row('simulators', { path: '^simulators/' }, folders('simulators', 'domain', 'contracts', 'documents')),
    row('db', { path: '^db/' }, folders('db', 'domain')),
    row('commands', { path: '^commands/' }, [...folders('commands', 'domain', 'contracts', 'db'), telemetry]),
    closedRow('workflow-contracts', workflowContracts, [folder('domain'), temporalInWorkflows]),
    closedRow('workflows', otherWorkflowFiles, [
      ...folders('workflows', 'domain', 'activities'),
      temporalInWorkflows,
    ]),
    row('temporal', { path: '^temporal/' }, [
      ...folders('temporal', 'domain'),
      messages,
      searchAttributes,
      taskQueues,
      config,
    ]),
    row('activities', { path: '^activities/' }, [
      ...folders('activities', 'domain', 'contracts', 'db', 'commands', 'connectors', 'documents'),
      telemetry,
    ]),
    row('dispatcher', { path: '^dispatcher/' }, [
      ...folders('dispatcher', 'commands', 'connectors', 'db', 'temporal', 'domain', 'contracts'),
      telemetry,
      config,
    ]),
    row('api', { path: '^api/' }, [
      ...folders('api', 'contracts', 'domain', 'db', 'commands', 'temporal', 'documents', 'workflows'),
      '^connectors/.+/webhook[.]ts$',
      telemetry,
      config,
    ]),
    row('workers', { path: '^workers/' }, [
      ...folders('workers', 'activities', 'connectors', 'db', 'commands', 'temporal', 'domain', 'contracts'),
      searchAttributes,
      taskQueues,
      telemetry,
      config,
    ]),
    row('provision', { path: '^provision/' }, [...folders('provision', 'db', 'domain', 'temporal'), config]),
    row('checks', { path: '^checks/' }, [...folders('checks', 'db', 'domain', 'temporal'), config]),
    row('web', { path: '^web/' }, folders('web', 'contracts')),
    // The two files at the root that others import stay leaves, or every folder would hang on them.
    row('root-files', { path: [config, telemetry] }, folders('domain')),
    row('bin', { path: '^bin/' }, folders('bin', 'cli')),

    typesOnly('workflows-import-activities-as-types', otherWorkflowFiles, { path: '^activities/' }),
    typesOnly(
      'api-imports-workflows-as-types',
      { path: '^api/' },
      { path: '^workflows/', pathNot: messages },
    ),
    typesOnly('web-imports-contracts-as-types', { path: '^web/' }, { path: '^contracts/' }),

    {
      name: 'no-node-builtins-in-pure-code',
      comment: 'domain, contracts and workflows have no IO, clock or randomness but what they are handed.',
      severity: 'error',
      from: { path: '^(domain|contracts|workflows)/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'nobody-imports-tests-or-benchmarks',
      severity: 'error',
      from: { pathNot: testsAndBenchmarks },
      to: { path: testsAndBenchmarks },
    },
    {
      name: 'tests-reach-the-cli-as-a-process',
      comment: 'A test of the command starts it, as a person does.',
      severity: 'error',
      from: { path: testsAndBenchmarks },
      to: { path: '^(cli|bin)/' },
    },
    {
      name: 'every-folder-has-a-row',
      comment: 'A new top-level folder gets its row here and in docs/architecture.md first.',
      severity: 'error',
      from: {
        path: '^[^/]+/',
        pathNot:
          '^(domain|contracts|connectors|documents|simulators|db|commands|workflows|temporal|activities|' +
          'dispatcher|api|workers|provision|checks|web|cli|bin|test|bench|docs|node_modules)/',
      },
      to: { dependencyTypesNot: ['core'], pathNot: testsAndBenchmarks },
    },
    {
      name: 'no-development-package-in-the-product',
      comment: 'The image installs without development packages; checks that only CI runs may use them.',
      severity: 'error',
      from: { path: '^[^/]+/', pathNot: ['^(test|bench|checks/house|web)/', '^api/openapi-check[.]ts$'] },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm-optional'] },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolved-import',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: '^node_modules' },
    exclude: { path: ['^node_modules/(?!(zod|@temporalio)/).+[.]d[.]ts$', '^[.]quayside/', '^coverage/'] },
    // Without it an `import type` is erased before the cruiser sees it, and no type-only edge exists.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'types', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.cjs', '.mjs', '.json'],
    },
  },
};
