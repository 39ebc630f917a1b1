/**
 * Counts the run for the line that closes it. `npm test` prints that line itself, after jest has
 * ended, so it is handed over in the file that QUAYSIDE_CLOSING_LINE names; a plain `npx jest` gets
 * it printed. A test file that broke before its tests ran counts as one failed.
 */
'use strict';

const { writeFileSync } = require('node:fs');

module.exports = class ClosingLineReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const line = `${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped`;
    const file = process.env.QUAYSIDE_CLOSING_LINE;
    if (file) writeFileSync(file, line);
    else console.log(line);
  }
};
