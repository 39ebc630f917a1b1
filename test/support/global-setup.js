/**
 * One Postgres and one Temporal server for the whole run, started before the first test file and found
 * by the others through the environment. Files get databases of their own from a migrated template.
 */
require('tsx/cjs');

module.exports = async () => {
  const { startTestServers } = require('./servers.ts');
  globalThis.quaysideTestServers = await startTestServers();
};
