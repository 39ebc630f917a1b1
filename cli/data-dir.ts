/**
 * The data directory: everything that an engine started here keeps. `quayside-data.json` marks it as one
 * of ours, so that `--fresh` never wipes anything else; `secrets.json` (readable by its owner alone) holds
 * what was drawn at random once; `ports.json` the ports of the last run, taken again where they are free;
 * `running.json` where a running engine answers, and is only believed while its process lives.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Claim, claim } from '../provision/ownership';
import { removePostgresData } from '../provision/postgres';
import { isRunning, type ProcessIdentity } from '../provision/processes';
import { CommandError } from './command-error';

const MARKER = 'quayside-data.json';
const CLAIM = 'engine-claim.json';
/** Grows when a data directory can no longer be read by an older release. */
const LAYOUT = 1;

/** The clone that this file lies in. */
export const CLONE = dirname(__dirname);

export interface Secrets {
  readonly ownerPassword: string;
  readonly appPassword: string;
  readonly systemPassword: string;
  readonly checkPassword: string;
  /** `id:base64,…`, first one seals; for secrets at rest and for Temporal's payloads. */
  readonly encryptionKeys: string;
  /** Part of the address at which the Temporal UI has payloads decrypted. */
  readonly codecToken: string;
  /** What the demo's keys and partner credentials are derived from. */
  readonly demoSecret: string;
}

export interface Running {
  readonly process: ProcessIdentity;
  readonly startedAt: string;
  readonly apiUrl: string;
  /** A key of the demo with every scope; null with --no-demo. */
  readonly apiKey: string | null;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  /** null when the Temporal server is not ours. */
  readonly temporalUiUrl: string | null;
  /** Origins by name; empty with --no-demo. */
  readonly simulators: Readonly<Record<string, string>>;
  readonly mailInboxUrl: string | null;
  /** Where Prometheus finds each role's metrics, by the process's name. */
  readonly metricsUrls: Readonly<Record<string, string>>;
  /** What a role of this engine has in its environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** `--data-dir`, else `QUAYSIDE_DATA_DIR`, else `.quayside` in the clone. */
export function locateDataDir(given?: string): string {
  const chosen = given ?? process.env.QUAYSIDE_DATA_DIR ?? '';
  return chosen === '' ? join(CLONE, '.quayside') : resolve(chosen);
}

/**
 * Makes the directory when it is missing or empty.
 * @throws CommandError when something else lies there, or a newer release made it.
 */
export function openDataDir(dir: string): void {
  mkdirSync(dir, { recursive: true });
  const marker = join(dir, MARKER);
  if (existsSync(marker)) {
    const { layout } = readJson<{ layout?: number }>(marker) ?? {};
    if (layout !== LAYOUT)
      throw new CommandError(
        `${dir} has the data layout ${layout ?? 'of nobody'}, this release reads ${LAYOUT}`,
        1,
        'use the release that made it, or give another --data-dir',
      );
    return;
  }
  if (readdirSync(dir).length > 0)
    throw new CommandError(
      `${dir} is not empty and no data directory of Quayside`,
      1,
      'give another --data-dir, or empty it yourself',
    );
  writeFileSync(marker, `${JSON.stringify({ what: 'data of a Quayside engine', layout: LAYOUT })}\n`);
}

/**
 * Deletes what an open data directory holds, but for its marker and the claim of whoever wipes it.
 * A server that an earlier run left behind is stopped first, for it would write on.
 */
export async function wipeDataDir(dir: string, log: (line: string) => void): Promise<void> {
  const postgres = join(dir, 'postgres');
  if (existsSync(join(postgres, 'claim.json'))) {
    const held = await claim(join(postgres, 'claim.json'), {
      what: `the database in ${postgres}`,
      // A fast shutdown; nothing in there is wanted any more.
      stopSteps: [['SIGINT', 5_000]],
      log,
    });
    held.release();
  }
  // The cluster may lie outside (see provision/postgres), so its own remover knows best.
  removePostgresData(postgres);
  for (const entry of readdirSync(dir))
    if (entry !== MARKER && entry !== CLAIM) rmSync(join(dir, entry), { recursive: true, force: true });
}

/** @throws InUseError when another engine runs on the directory. */
export function claimDataDir(dir: string, log: (line: string) => void): Promise<Claim> {
  return claim(join(dir, CLAIM), { what: `the data directory ${dir}`, stopSteps: [], log });
}

/** The secrets of the directory, drawn when it has none; those that a newer release added are drawn too. */
export function loadSecrets(dir: string): Secrets {
  const file = join(dir, 'secrets.json');
  const random = () => randomBytes(24).toString('base64url');
  const drawn: Secrets = {
    ownerPassword: random(),
    appPassword: random(),
    systemPassword: random(),
    checkPassword: random(),
    encryptionKeys: `k1:${randomBytes(32).toString('base64')}`,
    codecToken: random(),
    demoSecret: random(),
  };
  const known = readJson<Partial<Secrets>>(file) ?? {};
  const secrets: Secrets = { ...drawn, ...known };
  if (Object.keys(drawn).some((name) => !Object.hasOwn(known, name))) writeJson(file, secrets);
  return secrets;
}

export function loadPorts(dir: string): Readonly<Record<string, number>> {
  return readJson<Record<string, number>>(join(dir, 'ports.json')) ?? {};
}

export function savePorts(dir: string, ports: Readonly<Record<string, number>>): void {
  writeJson(join(dir, 'ports.json'), ports);
}

export function saveRunning(dir: string, running: Running): void {
  writeJson(join(dir, 'running.json'), running);
}

export function forgetRunning(dir: string): void {
  rmSync(join(dir, 'running.json'), { force: true });
}

/** Whether an engine ended here without tidying up, so that what it started may still be on its way out. */
export function endedUnexpectedly(dir: string): boolean {
  return existsSync(join(dir, 'running.json')) && findRunning(dir) === null;
}

/** The engine that runs on this directory, or null. */
export function findRunning(dir: string): Running | null {
  const running = readJson<Running>(join(dir, 'running.json'));
  return running !== null && isRunning(running.process) ? running : null;
}

/** Written beside and renamed, so that nobody reads half of it; 0600, for most of these hold secrets. */
function writeJson(file: string, value: unknown): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}

function readJson<T>(file: string): T | null {
  if (!existsSync(file)) return null;
  try {
    // These files are written by this module alone.
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    throw new CommandError(`${file} can't be read as JSON`, 1, 'restore it, or start anew with --fresh');
  }
}
