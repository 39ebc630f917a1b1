/**
 * The engine that is killed: `quayside up` on a data directory of its own, each part a process. A part is
 * found as a child of `up` by its command line and killed by its pid; starting it again is `up`'s own
 * business, and its words on the screen tell when it is done.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { type Config, loadConfig, required } from '../../config';
import { Database } from '../../db/client';
import { removePostgresData } from '../../provision/postgres';
import { pause, send } from '../../provision/processes';
import { connectTemporal } from '../../temporal/client';
import { createPayloadCodec } from '../../temporal/payload-codec';
import { freePorts, newDataDir, quayside, startQuayside } from '../support/quayside-command';
import { PARTS, type Part } from './kill-plan';

/** A first start on a machine also builds the Temporal program: 2 min 45 s on two cores. */
const START_TIMEOUT_MS = 8 * 60_000;
/** A part is started again after at most 15 s, and is up within 60 on a machine with other work. */
const BACK_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;
/** `up` is told of an end by the system, at once; this is for a machine with other work. */
const END_SAID_MS = 10_000;
const LOOK_MS = 50;

/** What `quayside up` writes into running.json, as far as it is needed here. */
interface Running {
  readonly apiUrl: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly simulators: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
}

export interface CrashEngine {
  readonly running: Running;
  readonly config: Config;
  /** As the application's roles. */
  readonly database: Database;
  /** Sees every merchant's rows and writes none. */
  readonly reader: Database;
  readonly temporal: Client;
  /** SIGKILL. @returns the pid that was killed. @throws when the part does not run. */
  kill(part: Part): Promise<number>;
  /** Waits until whatever ended of this part is up again. @throws after two minutes. */
  back(part: Part): Promise<void>;
  /** Kills the part whenever it shows itself, for so long, and waits until it is back. */
  holdDown(part: Part, ms: number): Promise<void>;
  /** How often the part ended, killed or by itself. */
  ends(part: Part): number;
  /** Lines in which it says that a part did not start at once. */
  troubles(): readonly string[];
  /** What `quayside check --json` says of it. */
  check(): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  /** Stops it. @returns processes that it left behind. */
  stop(): Promise<readonly string[]>;
  /** The end of what it said, for whoever looks for a fault. */
  lastWords(): string;
}

/** @param env is added to the environment of every part. */
export async function startCrashEngine(env: Readonly<Record<string, string>>): Promise<CrashEngine> {
  const dataDir = newDataDir();
  // Postgres runs under another account when the run is root's; it must get in.
  chmodSync(dataDir, 0o755);
  const up = startQuayside(dataDir, ['up', '--rate', '0', '--ports', await freePorts()], env);
  const lastWords = () => up.said().slice(-6_000);
  const remove = () => {
    removePostgresData(join(dataDir, 'postgres'));
    rmSync(dataDir, { recursive: true, force: true });
  };
  const stopUp = async () => {
    up.child.kill('SIGTERM');
    const late = setTimeout(() => up.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await up.ended;
    clearTimeout(late);
  };
  try {
    await up.says('Ctrl-C stops.', START_TIMEOUT_MS);
    const file = join(dataDir, 'running.json');
    if (!existsSync(file)) throw new Error('it says that it is up and does not say where');
    const running = JSON.parse(readFileSync(file, 'utf8')) as Running;
    const clients = openClients(running);
    const parts = watchParts(up.child.pid ?? 0, up.said);
    return {
      running,
      ...clients,
      ...parts,
      check: () => quayside(['check', '--json', '--data-dir', dataDir], { timeoutMs: 180_000 }),
      lastWords,
      troubles: () => up.said().match(/^.* does not start: .*$/gm) ?? [],
      async stop() {
        await Promise.all([clients.database.close(), clients.reader.close()]);
        await clients.temporal.connection.close();
        await stopUp();
        const left = up.processes();
        remove();
        return left;
      },
    };
  } catch (error) {
    await stopUp();
    remove();
    throw new Error(`the engine did not start:\n${lastWords()}`, { cause: error });
  }
}

function openClients(running: Running) {
  const config = loadConfig(running.environment);
  const checkUrl = required(config, 'DATABASE_CHECK_URL');
  return {
    config,
    database: new Database({
      appUrl: required(config, 'DATABASE_APP_URL'),
      systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
      poolSize: 4,
    }),
    reader: new Database({ appUrl: checkUrl, systemUrl: checkUrl, poolSize: 1 }),
    temporal: connectTemporal({
      address: running.temporalAddress,
      namespace: running.temporalNamespace,
      codec: createPayloadCodec(required(config, 'QUAYSIDE_ENCRYPTION_KEYS')),
    }),
  };
}

const COMMANDS: Readonly<Record<Part, RegExp>> = {
  worker: /quayside\.js worker\b/,
  api: /quayside\.js api\b/,
  dispatcher: /quayside\.js dispatcher\b/,
  temporal: /\bserver start-dev\b/,
  postgres: /\/postgres -D /,
};

function watchParts(upPid: number, said: () => string) {
  const count = (text: string) => said().split(text).length - 1;
  const ends = (part: Part) => count(`  ${PARTS[part]} ended (`);
  const kill = async (part: Part): Promise<number> => {
    const before = ends(part);
    const pid = pidOf(upPid, part);
    if (pid === null) throw new Error(`the ${part} does not run`);
    send(pid, 'SIGKILL');
    // Only then can `back` tell this end from one before.
    for (let waited = 0; ends(part) === before && waited < END_SAID_MS; waited += LOOK_MS)
      await pause(LOOK_MS);
    return pid;
  };
  const back = async (part: Part): Promise<void> => {
    const deadline = Date.now() + BACK_TIMEOUT_MS;
    while (count(`  ${PARTS[part]} is back`) < ends(part)) {
      if (Date.now() > deadline) throw new Error(`the ${part} did not come back`);
      await pause(LOOK_MS);
    }
  };
  return {
    ends,
    kill,
    back,
    async holdDown(part: Part, ms: number): Promise<void> {
      const until = Date.now() + ms;
      await kill(part);
      while (Date.now() < until) {
        const pid = pidOf(upPid, part);
        if (pid !== null) send(pid, 'SIGKILL');
        await pause(LOOK_MS * 4);
      }
      await back(part);
    },
  };
}

function pidOf(upPid: number, part: Part): number | null {
  const processes = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  for (const line of processes.split('\n')) {
    const [, pid, parent, state, command = ''] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (Number(parent) === upPid && !state?.startsWith('Z') && COMMANDS[part].test(command))
      return Number(pid);
  }
  return null;
}
