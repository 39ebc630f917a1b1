/**
 * What has to be right before any other file of the clone can be loaded: the Node version, and the
 * installed packages being those of the lockfile. It compares package by package with npm's own
 * record of what it installed, not by file dates, which a checkout or a container build changes at
 * will. Installs with `npm ci` when they differ; of two commands started at once one installs, the
 * other waits. Plain JavaScript without a dependency, for nothing else is there yet.
 */
'use strict';

const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/** As package.json's `engines` says. */
const OLDEST_NODE = [20, 19];

/** A waiting command looks this often whether the other has finished; an install takes 20 s or more. */
const POLL_MS = 200;

/** No install takes this long: the pid in an older lock has been given to another process. */
const LOCK_LIMIT_MS = 30 * 60_000;

/** Ends the process with a plain sentence when this Node is too old. */
function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  console.error(
    `Quayside needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}.` +
      ' See https://nodejs.org/en/download, or use a version manager (nvm install 22).',
  );
  process.exit(1);
}

/**
 * Installs the packages of the lockfile when they are missing or others.
 * @param {string} root the clone
 * @param {{development: boolean}} options whether the packages for tests and checks must be there too
 */
function ensureInstalled(root, options) {
  if (isInstalled(root, options)) return;
  withLock(root, () => {
    // Whoever held the lock before us has perhaps just done it.
    if (isInstalled(root, options)) return;
    console.error('Installing packages (npm ci); the first time this takes a minute …');
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const args = ['ci', '--no-audit', '--no-fund', '--include=optional'];
    if (options.development) args.push('--include=dev');
    const { status, error } = spawnSync(npm, args, {
      cwd: root,
      stdio: ['ignore', 2, 2],
      env: installEnvironment(),
    });
    if (status === 0 && isInstalled(root, options)) return;
    console.error(`npm ci failed${error ? `: ${error.message}` : ''}. Run it in ${root} to see why.`);
    process.exit(1);
  });
}

/** True when what npm says it installed is what the lockfile asks for. */
function isInstalled(root, options) {
  const wanted = readPackages(path.join(root, 'package-lock.json'));
  const installed = readPackages(path.join(root, 'node_modules', '.package-lock.json'));
  if (wanted === null) throw new Error(`${root} has no readable package-lock.json`);
  if (installed === null) return false;
  return Object.entries(wanted).every(([name, entry]) => {
    if (name === '' || entry.link) return true;
    const present = installed[name];
    if (present !== undefined) return present.version === entry.version;
    // Optional ones are for other platforms; development ones may be left out on purpose.
    if (entry.optional || entry.devOptional || entry.peer) return true;
    return Boolean(entry.dev) && !options.development;
  });
}

function readPackages(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')).packages ?? null;
  } catch {
    return null;
  }
}

/** npm passes its own settings to what it runs by variables; an `npm start --omit=dev` would reach in here. */
function installEnvironment() {
  const env = { ...process.env };
  for (const name of Object.keys(env))
    if (/^npm_(config_(omit|production|only|include)|lifecycle)/i.test(name)) delete env[name];
  delete env.NODE_ENV;
  return env;
}

/**
 * The lock lies outside the clone: npm ci empties node_modules, and a read-only clone needs no
 * install. It names its holder's pid, and one whose holder is gone counts as free.
 */
function withLock(root, work) {
  const name = createHash('sha256').update(fs.realpathSync(root)).digest('hex').slice(0, 16);
  const lock = path.join(os.tmpdir(), `quayside-install-${os.userInfo().uid}-${name}`);
  for (let said = false; !take(lock); said = true) {
    if (!said) console.error('Another command is installing the packages; waiting for it …');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
  // On exit, not in a finally: a failed install ends the process.
  process.once('exit', () => fs.rmSync(lock, { force: true }));
  work();
  fs.rmSync(lock, { force: true });
}

function take(lock) {
  const draft = `${lock}.${process.pid}`;
  fs.writeFileSync(draft, String(process.pid));
  try {
    fs.linkSync(draft, lock);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!isHeld(lock)) fs.rmSync(lock, { force: true });
    return false;
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

function isHeld(lock) {
  try {
    const age = Date.now() - fs.statSync(lock).mtimeMs;
    return age < LOCK_LIMIT_MS && isAlive(Number(fs.readFileSync(lock, 'utf8')));
  } catch {
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return pid > 0;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

module.exports = { requireNode, ensureInstalled };
