/**
 * A whole engine on this machine, as `quayside up` and the self-checking stories run it: database,
 * Temporal, schema, demo data, and each role as a process of its own. Parts start in the order in which
 * they need each other and stop in the reverse one; a start that fails stops what it had started. What
 * the parent starts is known to the watchdog (provision/process-guard), so a `kill -9` leaves nothing.
 */
import { join } from 'node:path';
import { loadConfig, required } from '../../config';
import { Database } from '../../db/client';
import { migrate } from '../../db/migrate';
import { freePort } from '../../provision/ports';
import { closeGuard } from '../../provision/process-guard';
import { identify } from '../../provision/processes';
import type { Running as RunningProcess } from '../../provision/running';
import { findTemporalBinary } from '../../provision/temporal';
import { demoCredentials } from '../../simulators/demo-credentials';
import { CommandError } from '../command-error';
import {
  claimDataDir,
  endedUnexpectedly,
  forgetRunning,
  loadSecrets,
  openDataDir,
  type Running,
  type Secrets,
  saveRunning,
  wipeDataDir,
} from '../data-dir';
import type { Screen } from '../screen';
import { seedDemo } from '../seed/seed-demo';
import { type EngineDatabase, makeRoles, startOwnDatabase, useDatabase } from './database';
import { roleEnvironment, simulatorEnvironment } from './environment';
import { type KeptAlive, keepAlive } from './keep-alive';
import { choosePorts, type PortMap, type PortName, type PortWishes, waitForPortsOfLastRun } from './ports';
import { type RoleOptions, startRole } from './role-process';
import { type EngineTemporal, startOwnTemporal, useTemporal } from './temporal';

export interface EngineOptions {
  readonly dataDir: string;
  /** Wipes the data directory first. */
  readonly fresh: boolean;
  /** With the demo merchant and the simulated partners. */
  readonly demo: boolean;
  /** Orders a minute that the demo's customers place. */
  readonly rate: number;
  readonly workers: number;
  /** Ports that were asked for. */
  readonly ports: PortWishes;
  /** More environment for the simulators, e.g. a floor and carriers without delay. */
  readonly simulatorEnvironment?: Readonly<Record<string, string>>;
}

export interface Engine {
  readonly running: Running;
  readonly dataDir: string;
  /** Stops everything and waits; may be called again. */
  stop(): Promise<void>;
}

/** What has been started so far, and how it is stopped. */
class Started {
  private readonly stops: (() => Promise<void> | void)[] = [];
  private readonly callers: (() => Promise<void> | void)[] = [];
  private stopping: Promise<void> | undefined;

  push(stop: () => Promise<void> | void): void {
    this.stops.push(stop);
  }

  /** Somebody who calls the others all the time: stopped before them, or they would wait for his requests to end. */
  pushCaller(stop: () => Promise<void> | void): void {
    this.callers.push(stop);
  }

  stop(): Promise<void> {
    this.stopping ??= (async () => {
      for (const stop of [...this.callers, ...this.stops.reverse()]) await stop();
    })();
    return this.stopping;
  }
}

/** @throws CommandError, InUseError and PortBusyError, whose messages say what to do; nothing is left running then. */
export async function startEngine(options: EngineOptions, screen: Screen): Promise<Engine> {
  const log = (line: string): void => screen.say(`  ${line}`);
  const { dataDir } = options;
  openDataDir(dataDir);
  const started = new Started();
  started.push(closeGuard);
  const held = await claimDataDir(dataDir, log);
  started.push(() => held.release());
  try {
    if (options.fresh)
      await screen.step(`wiping ${dataDir}`, () => wipeDataDir(dataDir, (line) => screen.detail(line)));
    else if (endedUnexpectedly(dataDir))
      await screen.step('letting what the last run left behind end', () => waitForPortsOfLastRun(dataDir));
    const secrets = loadSecrets(dataDir);
    const ports = await choosePorts(dataDir, portsNeeded(options), options.ports, log);
    const database = await bringUpDatabase(options, ports, secrets, started, screen);
    const temporal = await bringUpTemporal(options, ports, secrets, started, screen);
    const environment = roleEnvironment({ dataDir, demo: options.demo, ports, secrets, database, temporal });
    if (options.demo) await bringUpDemo(environment, ports, secrets, screen);
    const workerPorts = await metricsPorts(options.workers, ports);
    await bringUpRoles(options, { environment, ports, workerPorts, secrets }, started, screen);
    const running = describe(options, { environment, ports, workerPorts, secrets }, temporal);
    saveRunning(dataDir, running);
    started.push(() => forgetRunning(dataDir));
    return { running, dataDir, stop: () => started.stop() };
  } catch (error) {
    await started.stop();
    throw error;
  }
}

function portsNeeded({ demo }: EngineOptions): PortName[] {
  return [
    'api',
    'worker-metrics',
    'dispatcher-metrics',
    ...(isSet('DATABASE_URL') ? [] : (['postgres'] as const)),
    ...(isSet('TEMPORAL_ADDRESS') ? [] : (['temporal', 'ui', 'codec'] as const)),
    ...(demo ? (['shop', 'webhook-shop', 'carrier', 'mail', 'smtp'] as const) : []),
  ];
}

const LOOPBACK = '127.0.0.1';
const isSet = (name: string): boolean => (process.env[name] ?? '') !== '';

async function bringUpDatabase(
  { dataDir }: EngineOptions,
  ports: PortMap,
  secrets: Secrets,
  started: Started,
  screen: Screen,
): Promise<EngineDatabase> {
  const log = (line: string): void => screen.say(`  ${line}`);
  const database = await screen.step(
    isSet('DATABASE_URL') ? 'database of DATABASE_URL' : 'Postgres',
    async () =>
      isSet('DATABASE_URL')
        ? useDatabase(process.env.DATABASE_URL ?? '', secrets)
        : startOwnDatabase(join(dataDir, 'postgres'), ports.postgres, secrets, log),
  );
  const { server } = database;
  if (server !== null) started.push(() => server.stop());
  await screen.step('database schema', async (progress) => {
    await makeRoles(database, secrets);
    const names = await migrate(database.ownerUrl);
    if (names.length > 0) progress.note(`${names.length} migrations`);
    for (const name of names) screen.detail(`migrated: ${name}`);
  });
  return database;
}

async function bringUpTemporal(
  { dataDir }: EngineOptions,
  ports: PortMap,
  secrets: Secrets,
  started: Started,
  screen: Screen,
): Promise<EngineTemporal> {
  const log = (line: string): void => screen.say(`  ${line}`);
  if (isSet('TEMPORAL_ADDRESS')) {
    const config = loadConfig();
    return screen.step(`Temporal server at ${config.TEMPORAL_ADDRESS}`, () =>
      useTemporal(
        config.TEMPORAL_ADDRESS,
        config.TEMPORAL_NAMESPACE,
        config.TEMPORAL_UI_URL ?? null,
        config.TEMPORAL_TLS || config.TEMPORAL_API_KEY !== undefined,
      ),
    );
  }
  await screen.step(
    'Temporal program',
    async (progress) => {
      await findTemporalBinary({ log, onProgress: (line) => progress.note(line) });
    },
    { quiet: true },
  );
  const temporal = await screen.step('Temporal server', () =>
    startOwnTemporal(
      {
        dataDir,
        port: ports.temporal,
        uiPort: ports.ui,
        codecUrl: `http://127.0.0.1:${ports.codec}/${secrets.codecToken}`,
      },
      log,
    ),
  );
  started.push(async () => temporal.server?.stop());
  return temporal;
}

async function bringUpDemo(
  environment: Readonly<Record<string, string>>,
  ports: PortMap,
  secrets: Secrets,
  screen: Screen,
): Promise<void> {
  const config = loadConfig(environment);
  const database = new Database({
    appUrl: required(config, 'DATABASE_APP_URL'),
    systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
    poolSize: 2,
  });
  try {
    await screen.step('demo merchant', (progress) =>
      seedDemo({
        database,
        keys: required(config, 'QUAYSIDE_ENCRYPTION_KEYS'),
        credentials: demoCredentials(secrets.demoSecret),
        partners: {
          shopifyUrl: `http://127.0.0.1:${ports.shop}`,
          genericUrl: `http://127.0.0.1:${ports['webhook-shop']}`,
          easypostUrl: `http://127.0.0.1:${ports.carrier}`,
        },
        onProgress: (done, total) => progress.at(done, total),
      }),
    );
  } finally {
    await database.close();
  }
}

/** What is decided before a role starts. */
interface Plan {
  readonly environment: Readonly<Record<string, string>>;
  readonly ports: PortMap;
  /** Where each worker serves its metrics. */
  readonly workerPorts: readonly number[];
  readonly secrets: Secrets;
}

/** The first worker's is one of the named ports; nobody insists on those of the others. */
async function metricsPorts(workers: number, ports: PortMap): Promise<number[]> {
  const chosen = [ports['worker-metrics']];
  while (chosen.length < workers) chosen.push(await freePort());
  return chosen;
}

const workerName = (index: number): string => (index === 0 ? 'worker' : `worker-${index + 1}`);

async function bringUpRoles(
  options: EngineOptions,
  { environment, ports, workerPorts, secrets }: Plan,
  started: Started,
  screen: Screen,
): Promise<void> {
  const { dataDir, demo, rate, workers } = options;
  const log = (line: string): void => screen.say(`  ${line}`);
  const env = { ...inherited(), ...environment };
  const role = async (name: string, kind: RoleOptions['role'], own = env) => {
    const kept = await keepAlive(name, () => startRole({ name, role: kind, dataDir, environment: own }), log);
    screen.detail(`${name} is process ${kept.current().pid} and logs to ${join(dataDir, 'logs', name)}.log`);
    return kept;
  };
  const measured = (name: string, kind: RoleOptions['role'], port: number | undefined) =>
    role(name, kind, { ...env, METRICS_HOST: LOOPBACK, METRICS_PORT: String(port) });
  const together = async (roles: readonly Promise<KeptAlive<RunningProcess>>[]): Promise<void> => {
    const settled = await Promise.allSettled(roles);
    const up = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    started.push(() => stopAll(up));
    for (const one of settled) if (one.status === 'rejected') throw one.reason;
  };
  // Partners first, for the dispatcher asks them at once what their webhooks lost.
  if (demo) {
    const own = {
      ...inherited(),
      ...simulatorEnvironment({ dataDir, ports, secrets, rate, publicUrl: environment.PUBLIC_URL ?? '' }),
      ...options.simulatorEnvironment,
    };
    await screen.step('simulated shops, carriers, mail and floor staff', async () => {
      const simulators = await role('simulators', 'simulators', own);
      started.pushCaller(() => simulators.stop());
    });
  }
  // One worker builds the workflow bundle when it is new; the others then find it.
  await screen.step('API, dispatcher, worker', () =>
    together([
      role('api', 'api'),
      measured('dispatcher', 'dispatcher', ports['dispatcher-metrics']),
      measured('worker', 'worker', workerPorts[0]),
    ]),
  );
  if (workers > 1)
    await screen.step(`worker 2${workers > 2 ? ` to ${workers}` : ''}`, () =>
      together(workerPorts.slice(1).map((port, index) => measured(workerName(index + 1), 'worker', port))),
    );
}

async function stopAll(parts: readonly KeptAlive<RunningProcess>[]): Promise<void> {
  await Promise.all(parts.map((part) => part.stop()));
}

/** The roles get what this process has, but the owner's address: only migrations need it. */
function inherited(): NodeJS.ProcessEnv {
  const { DATABASE_URL: _owner, ...rest } = process.env;
  return rest;
}

function describe(
  { demo }: EngineOptions,
  { environment, ports, workerPorts, secrets }: Plan,
  temporal: EngineTemporal,
): Running {
  const process_ = identify(process.pid);
  if (process_ === null) throw new CommandError('the own process can not be identified');
  const at = (port: number): string => `http://${LOOPBACK}:${port}`;
  const local = (name: PortName): string => at(ports[name]);
  return {
    process: process_,
    startedAt: new Date().toISOString(),
    apiUrl: environment.PUBLIC_URL ?? local('api'),
    apiKey: demo ? demoCredentials(secrets.demoSecret).adminKey : null,
    temporalAddress: temporal.address,
    temporalNamespace: environment.TEMPORAL_NAMESPACE ?? 'default',
    temporalUiUrl: temporal.uiUrl,
    simulators: demo
      ? {
          shop: local('shop'),
          'webhook-shop': local('webhook-shop'),
          carrier: local('carrier'),
          mail: local('mail'),
        }
      : {},
    mailInboxUrl: demo ? `${local('mail')}/inbox` : null,
    metricsUrls: {
      api: `${local('api')}/metrics`,
      dispatcher: `${local('dispatcher-metrics')}/metrics`,
      ...Object.fromEntries(workerPorts.map((port, index) => [workerName(index), `${at(port)}/metrics`])),
    },
    environment,
  };
}
