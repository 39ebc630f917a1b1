#!/usr/bin/env node
/**
 * `npm test`: installs what a fresh clone lacks, runs jest with the arguments given, and closes with
 * the one line `N passed, N failed, N skipped`, after everything that jest and its servers had to
 * say. Ends as jest ended; a run that broke off before it had results fails.
 */
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { requireNode, ensureInstalled } = require('./bootstrap.js');

const root = path.join(__dirname, '..');
requireNode();
ensureInstalled(root, { development: true });

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'quayside-run-'));
const resultFile = path.join(directory, 'closing-line');
const jest = spawn(
  process.execPath,
  [path.join(root, 'node_modules', '.bin', 'jest'), ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, QUAYSIDE_CLOSING_LINE: resultFile },
  },
);

// Ctrl-C reaches jest by the terminal; a SIGTERM meant for the command is handed on. Either way jest
// ends first, and this process after it.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => jest.kill('SIGTERM'));

jest.on('exit', (code, signal) => {
  const line = fs.existsSync(resultFile) ? fs.readFileSync(resultFile, 'utf8') : null;
  fs.rmSync(directory, { recursive: true, force: true });
  if (line === null && code === 0) process.exit(0); // --help, --listTests and the like run no test
  console.log(line ?? 'the run broke off before there were results');
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
