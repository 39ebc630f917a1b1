/**
 * The Temporal development server as a single-machine installation runs it: a SQLite file in
 * write-ahead mode, everything on loopback, eager activities on (28 instead of 17 orders a second).
 * It survives SIGKILL without losing anything it acknowledged; power loss is not covered, which is
 * what a real server, by `TEMPORAL_ADDRESS`, is for. Beside the database file lie its log and its
 * claim (who runs it). A server that a killed owner left behind is stopped by the next start.
 */
import { closeSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Connection } from '@temporalio/client';
import { type Claim, claim } from './ownership';
import { freePort, isListening } from './ports';
import { spawnGuarded } from './process-guard';
import { hasCode, identify, pause, type StopSteps, stopProcess } from './processes';
import { exitOf, logTail, openLog, type Running } from './running';
import { findTemporalBinary } from './temporal-binary';

export { findTemporalBinary };

export interface TemporalOptions {
  /** The `temporal` program. Default: what `findTemporalBinary` finds, fetches or builds. */
  readonly binary?: string;
  /** The SQLite file; made when missing, with its directory. */
  readonly dbFilename: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Default: a free one; null starts no UI. */
  readonly uiPort?: number | null;
  /** Where the UI, in the person's browser, has payloads decoded. */
  readonly uiCodecEndpoint?: string;
  /** Made when missing. Default `default`. */
  readonly namespace?: string;
  readonly log: (line: string) => void;
}

export interface RunningTemporal extends Running {
  /** host:port of the gRPC frontend. */
  readonly address: string;
  readonly port: number;
  readonly namespace: string;
  /** Null without a UI. */
  readonly uiUrl: string | null;
}

/** A search attribute by name and type, as the Temporal UI calls the types. */
export interface SearchAttribute {
  readonly name: string;
  readonly type: keyof typeof INDEXED_VALUE_TYPE;
}

/** The numbers of temporal.api.enums.v1.IndexedValueType. */
const INDEXED_VALUE_TYPE = {
  Text: 1,
  Keyword: 2,
  Int: 3,
  Double: 4,
  Bool: 5,
  Datetime: 6,
  KeywordList: 7,
} as const;

const LOOPBACK = '127.0.0.1';

// The server winds down its services for up to 10 s when clients hold long polls.
const STOP_STEPS: StopSteps = [['SIGTERM', 15_000]];

// Within a second of its end the old server may still hold the file; ten are for a loaded machine.
const START_RETRY_MS = 10_000;

// Up in 0.5 to 2.5 s on an idle machine, ten times that when two cores are shared by a build.
const READY_TIMEOUT_MS = 60_000;

/** Starts the server. On return the namespace answers. */
export async function startTemporal(options: TemporalOptions): Promise<RunningTemporal> {
  const dbFilename = resolve(options.dbFilename);
  mkdirSync(dirname(dbFilename), { recursive: true });
  const held = await claim(`${dbFilename}.claim`, {
    what: `the Temporal server on ${dbFilename}`,
    stopSteps: STOP_STEPS,
    log: options.log,
  });
  try {
    const binary = options.binary ?? (await findTemporalBinary({ log: options.log }));
    const running = await startUntilReady({ ...options, dbFilename, binary }, held);
    // The claim goes with the server, so that a crashed one can be started again by the same owner.
    void running.exited.then(() => held.release());
    return running;
  } catch (error) {
    held.release();
    throw error;
  }
}

/** Deletes the database of a stopped server, with its log. */
export function removeTemporalData(dbFilename: string): void {
  for (const suffix of ['', '-wal', '-shm', '.log', '.log.1', '.claim'])
    rmSync(`${dbFilename}${suffix}`, { force: true });
}

/**
 * Registers what is missing of these search attributes; safe to repeat and to race. Throws when one
 * exists with another type, for then every start of a workflow that carries it would fail.
 */
export async function registerSearchAttributes(
  address: string,
  attributes: readonly SearchAttribute[],
  namespace = 'default',
): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    const deadline = Date.now() + START_RETRY_MS;
    for (;;) {
      try {
        const missing = await missingAttributes(connection, attributes, namespace);
        if (missing.length === 0) return;
        const searchAttributes = missing.map(({ name, type }) => [name, INDEXED_VALUE_TYPE[type]]);
        await connection.operatorService.addSearchAttributes({
          namespace,
          searchAttributes: Object.fromEntries(searchAttributes),
        });
      } catch (error) {
        if (!isPassing(error) || Date.now() > deadline) throw error;
        await pause(100);
      }
    }
  } finally {
    await connection.close();
  }
}

/**
 * Somebody else adds the same at this moment, the server is just coming up, or it has yet to notice
 * a namespace that was made a moment ago.
 */
function isPassing(error: unknown): boolean {
  return Object.values(PASSING_STATUS).some((status) => hasCode(error, status));
}

/** The numbers of google.rpc.Code. */
const PASSING_STATUS = { NOT_FOUND: 5, ALREADY_EXISTS: 6, UNAVAILABLE: 14 } as const;

async function missingAttributes(
  connection: Connection,
  attributes: readonly SearchAttribute[],
  namespace: string,
): Promise<SearchAttribute[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return attributes.filter(({ name, type }) => {
    const present = customAttributes[name];
    if (present !== undefined && present !== null && present !== INDEXED_VALUE_TYPE[type]) {
      throw new Error(
        `search attribute ${name} exists in namespace ${namespace} with another type than ${type}`,
      );
    }
    return present === undefined || present === null;
  });
}

type Start = TemporalOptions & { readonly binary: string };

async function startUntilReady(options: Start, held: Claim): Promise<RunningTemporal> {
  const deadline = Date.now() + START_RETRY_MS;
  for (;;) {
    const port = options.port ?? (await freePort());
    const uiPort = options.uiPort === null ? null : (options.uiPort ?? (await freePort()));
    const outcome = await startOnce(options, held, port, uiPort);
    if (!('failure' in outcome)) return outcome;
    const passing =
      /SQLITE_BUSY|database is locked/.test(outcome.failure) ||
      ((options.port === undefined || options.uiPort === undefined) &&
        /address already in use|can't set (frontend|UI) port/.test(outcome.failure));
    if (!passing || Date.now() > deadline)
      throw new Error(`the Temporal server does not start: ${outcome.failure}`);
    await pause(200);
  }
}

async function startOnce(
  options: Start,
  held: Claim,
  port: number,
  uiPort: number | null,
): Promise<RunningTemporal | { failure: string }> {
  // Else somebody else's server there would pass for ours while ours fails to bind.
  if (await isListening(port)) return { failure: `address already in use: port ${port}` };
  const logFile = `${options.dbFilename}.log`;
  const namespace = options.namespace ?? 'default';
  const { fd, offset } = openLog(logFile);
  const child = await spawnGuarded(options.binary, serverArguments(options, namespace, port, uiPort), {
    stdio: ['ignore', fd, fd],
    stopSignal: 'SIGTERM',
    graceMs: 5_000,
  }).finally(() => closeSync(fd));
  held.recordServer(child.pid);
  const exited = exitOf(child);
  let gone = false;
  void exited.then(() => {
    gone = true;
  });
  const identity = identify(child.pid);
  const stop = async (): Promise<void> => {
    if (identity !== null) await stopProcess(identity, STOP_STEPS);
    await exited;
  };
  const address = `${LOOPBACK}:${port}`;
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await isReady(port, namespace))) {
    if (gone) return { failure: logTail(logFile, offset) };
    if (Date.now() > deadline) {
      await stop();
      throw new Error(
        `the Temporal server is not ready after ${READY_TIMEOUT_MS / 1000} s: ${logTail(logFile, offset)}`,
      );
    }
    await pause(50);
  }
  const uiUrl = uiPort === null ? null : `http://${LOOPBACK}:${uiPort}`;
  return { address, port, namespace, uiUrl, pid: child.pid, exited, stop };
}

function serverArguments(
  options: TemporalOptions,
  namespace: string,
  port: number,
  uiPort: number | null,
): string[] {
  const args = ['server', 'start-dev', '--db-filename', options.dbFilename, '--namespace', namespace];
  args.push('--ip', LOOPBACK, '--port', String(port), '--log-level', 'warn', '--log-format', 'json');
  args.push('--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal');
  args.push('--dynamic-config-value', 'system.enableActivityEagerExecution=true');
  if (uiPort === null) args.push('--headless');
  else args.push('--ui-ip', LOOPBACK, '--ui-port', String(uiPort));
  if (options.uiCodecEndpoint !== undefined) args.push('--ui-codec-endpoint', options.uiCodecEndpoint);
  return args;
}

async function isReady(port: number, namespace: string): Promise<boolean> {
  // A gRPC channel that was refused once waits a second before it tries again; a socket does not.
  if (!(await isListening(port))) return false;
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address: `${LOOPBACK}:${port}`, connectTimeout: '5s' });
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  } catch {
    return false;
  } finally {
    await connection?.close();
  }
}
