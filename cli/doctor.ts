/**
 * `quayside doctor`: what this machine has of what an engine needs, and how to get the rest. It starts
 * and changes nothing. Exit code 1 when something is missing without which `npm start` fails; what only
 * tests or comfort need is said and counts as well.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { Client } from 'pg';
import { cacheDir } from '../provision/cache';
import { isPortFree } from '../provision/ports';
import { chooseAccount, findPostgresBinaries } from '../provision/postgres-binaries';
import { temporalServerVersion } from '../provision/temporal-binary';
import { findRunning, loadPorts, locateDataDir } from './data-dir';
import { PORTS, type PortName } from './engine/ports';

type Verdict = 'ok' | 'optional' | 'missing';

interface Finding {
  readonly what: string;
  readonly verdict: Verdict;
  readonly detail: string;
  /** How to get it; null when it is there. */
  readonly remedy: string | null;
}

/** The server's build (250 MB), Go's caches, a cluster and some days of a demo. */
const DISK_BYTES = 2_000_000_000;
const MEMORY_BYTES = 2_000_000_000;
/** A closed network often drops packets silently. */
const REACH_TIMEOUT_MS = 5_000;
const OLDEST_GO = [1, 25] as const;
const OLDEST_NODE = [20, 19] as const;
const OLDEST_NPM = [10, 0] as const;

export function register(program: Command): void {
  program
    .command('doctor')
    .summary('what this machine lacks, and how to get it')
    .description(
      'Looks at what an engine on this machine needs. Exit code 1 when something required is missing.',
    )
    .option('--json', 'one array of findings')
    .option('--data-dir <dir>', 'which data directory (default: .quayside in the clone)')
    .action((flags: { json?: boolean; dataDir?: string }) => doctor(flags));
}

async function doctor(flags: { readonly json?: boolean; readonly dataDir?: string }): Promise<void> {
  const dataDir = locateDataDir(flags.dataDir);
  const findings: readonly Finding[] = [
    program('Node', process.versions.node, OLDEST_NODE, 'https://nodejs.org/en/download'),
    program('npm', versionOf('npm', ['--version']), OLDEST_NPM, 'it comes with Node'),
    await postgres(dataDir),
    await temporal(),
    ...roomAndRights(dataDir),
    await ports(dataDir),
    machine(),
    ...testTools(),
  ];
  if (flags.json) process.stdout.write(`${JSON.stringify(findings)}\n`);
  else process.stdout.write(`${findings.map(lineOf).join('\n')}\n${closing(findings)}\n`);
  if (findings.some(({ verdict }) => verdict === 'missing')) process.exitCode = 1;
}

const MARKS: Readonly<Record<Verdict, string>> = { ok: '✓', optional: '–', missing: '✗' };

function lineOf({ what, verdict, detail, remedy }: Finding): string {
  const line = `${MARKS[verdict]} ${what.padEnd(16)}${detail}`;
  return remedy === null ? line : `${line}\n${' '.repeat(18)}→ ${remedy}`;
}

function closing(findings: readonly Finding[]): string {
  const missing = findings.filter(({ verdict }) => verdict === 'missing').length;
  if (missing === 0) return 'Everything that "npm start" needs is here.';
  return missing === 1
    ? 'One thing that "npm start" needs is missing.'
    : `${missing} things that "npm start" needs are missing.`;
}

const ok = (what: string, detail: string): Finding => ({ what, verdict: 'ok', detail, remedy: null });

function versionOf(command: string, args: readonly string[]): string | null {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) return null;
  return /(\d+\.\d+(\.\d+)?)/.exec(`${stdout} ${stderr}`)?.[1] ?? 'unknown';
}

function atLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [first = 0, second = 0] = version.split('.').map(Number);
  return first > major || (first === major && second >= minor);
}

function program(
  what: string,
  version: string | null,
  oldest: readonly [number, number],
  source: string,
): Finding {
  const wanted = `${what} ${oldest.join('.')} or newer: ${source}`;
  if (version === null) return { what, verdict: 'missing', detail: 'not found', remedy: wanted };
  if (!atLeast(version, oldest)) return { what, verdict: 'missing', detail: version, remedy: wanted };
  return ok(what, version);
}

async function postgres(dataDir: string): Promise<Finding> {
  const what = 'Postgres';
  const url = process.env.DATABASE_URL ?? '';
  if (url !== '') {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: REACH_TIMEOUT_MS });
    try {
      await client.connect();
      const { rows } = await client.query<{ version: string }>('show server_version as version');
      return ok(what, `${rows[0]?.version ?? 'unknown'}, the one of DATABASE_URL`);
    } catch (error) {
      return {
        what,
        verdict: 'missing',
        detail: `DATABASE_URL does not answer: ${error instanceof Error ? error.message : String(error)}`,
        remedy: 'correct DATABASE_URL, or unset it to use the embedded Postgres',
      };
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  try {
    const { major } = findPostgresBinaries(chooseAccount(join(dataDir, 'postgres', 'pgdata')));
    return ok(what, `${major}, embedded`);
  } catch (error) {
    return {
      what,
      verdict: 'missing',
      detail: error instanceof Error ? error.message : String(error),
      remedy: 'run "npm ci" in the clone, or set DATABASE_URL',
    };
  }
}

async function temporal(): Promise<Finding> {
  const what = 'Temporal';
  const address = process.env.TEMPORAL_ADDRESS ?? '';
  if (address !== '') return ok(what, `the server at ${address} (TEMPORAL_ADDRESS); not asked`);
  const places = [
    ...(process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, 'temporal')),
    join(cacheDir(), 'bin', 'temporal'),
  ];
  for (const path of places.filter((file) => existsSync(file))) {
    const version = await temporalServerVersion(path);
    if (version !== null) return ok(what, `server ${version} in ${path}`);
  }
  const go = versionOf('go', ['version']);
  if (go !== null && atLeast(go, OLDEST_GO))
    return ok(what, `not here yet; the first start builds it with Go ${go}, which takes some minutes once`);
  const reachable = await fetch('https://temporal.download', {
    method: 'HEAD',
    signal: AbortSignal.timeout(REACH_TIMEOUT_MS),
  }).then(
    () => true,
    () => false,
  );
  if (reachable) return ok(what, 'not here yet; the first start downloads it');
  return {
    what,
    verdict: 'missing',
    detail: `no "temporal" program, no way to temporal.download, ${go === null ? 'no Go' : `Go ${go} is too old`}`,
    remedy: `the Temporal CLI on the PATH (https://docs.temporal.io/cli), or Go ${OLDEST_GO.join('.')} or newer (https://go.dev/dl), or TEMPORAL_ADDRESS`,
  };
}

function roomAndRights(dataDir: string): Finding[] {
  return [
    { what: 'data directory', dir: dataDir, remedy: 'give another --data-dir' },
    { what: 'cache', dir: cacheDir(), remedy: 'set QUAYSIDE_CACHE to a directory with room' },
  ].map(({ what, dir, remedy }) => {
    const nearest = nearestExisting(dir);
    try {
      accessSync(nearest, constants.W_OK);
    } catch {
      return { what, verdict: 'missing', detail: `${dir} can't be written`, remedy };
    }
    const { bavail, bsize } = statfsSync(nearest);
    const free = bavail * bsize;
    const detail = `${dir}, ${(free / 1e9).toFixed(1)} GB free`;
    return free < DISK_BYTES ? { what, verdict: 'missing', detail, remedy } : ok(what, detail);
  });
}

function nearestExisting(dir: string): string {
  return existsSync(dir) || dirname(dir) === dir ? dir : nearestExisting(dirname(dir));
}

async function ports(dataDir: string): Promise<Finding> {
  const running = findRunning(dataDir);
  if (running !== null)
    return ok('ports', `an engine runs on this data directory (process ${running.process.pid})`);
  const last = loadPorts(dataDir);
  const wanted = (Object.keys(PORTS) as PortName[]).map((name) => ({
    name,
    port: last[name] ?? PORTS[name].usual,
  }));
  const free = await Promise.all(wanted.map(({ port }) => isPortFree(port)));
  const busy = wanted.filter((_, index) => !free[index]).map(({ name, port }) => `${name} ${port}`);
  if (busy.length === 0) return ok('ports', wanted.map(({ port }) => port).join(', '));
  return {
    what: 'ports',
    verdict: 'optional',
    detail: `busy: ${busy.join(', ')}`,
    remedy: 'nothing to do: a free port is taken instead and said; --ports insists on others',
  };
}

function machine(): Finding {
  const memory = totalmem();
  const detail = `${cpus().length} cores, ${(memory / 1e9).toFixed(1)} GB of memory`;
  if (memory >= MEMORY_BYTES) return ok('machine', detail);
  return { what: 'machine', verdict: 'optional', detail, remedy: 'an engine takes about 1.5 GB' };
}

function testTools(): Finding[] {
  const java = versionOf('java', ['-version']);
  const maven = versionOf('mvn', ['--version']);
  const go = versionOf('go', ['version']);
  const found = (what: string, version: string | null, why: string, source: string): Finding =>
    version === null
      ? { what, verdict: 'optional', detail: `not found; ${why}`, remedy: source }
      : ok(what, version);
  const skipping = 'tests that wait for days are skipped without it';
  return [
    found('Java', java, skipping, 'Java 17 or newer: https://adoptium.net'),
    found('Maven', maven, skipping, 'https://maven.apache.org'),
    found('Go', go, 'needed only where Temporal can not be downloaded', 'https://go.dev/dl'),
  ];
}
