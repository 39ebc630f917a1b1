#!/usr/bin/env node
/** The `quayside` command; works on a fresh clone, where nothing is installed yet. */
'use strict';

const path = require('node:path');
const { requireNode, ensureInstalled } = require('./bootstrap.js');

requireNode();
ensureInstalled(path.join(__dirname, '..'), { development: false });
require('tsx/cjs');

const { main } = require('../cli/main.ts');

main(process.argv.slice(2)).then(
  (code) => {
    // Not process.exit: what is still being written to a pipe must get there.
    process.exitCode = code;
  },
  (error) => {
    console.error(error);
    process.exitCode = 70; // sysexits: a fault in the program itself
  },
);
