/**
 * One Postgres and one Temporal server for the whole run, started before the first test file and found
 * by the others through the environment. Files get databases of their own from a migrated template.
 * A run of nothing but named unit and house tests, which talk to no server, starts none.
 */
require('tsx/cjs');

const WITHOUT_SERVERS = /^(\.\/)?test\/(unit|house)(\/|$)/;

module.exports = async (globalConfig) => {
  const { patterns } = globalConfig.testPathPatterns;
  if (patterns.length > 0 && patterns.every((pattern) => WITHOUT_SERVERS.test(pattern))) return;
  const { startTestServers } = require('./servers.ts');
  globalThis.quaysideTestServers = await startTestServers();
};
