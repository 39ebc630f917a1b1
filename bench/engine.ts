/**
 * A whole engine as anybody starts it (`quayside up`), on a data directory of its own, each role a
 * process: what the benchmarks put their load on. Stopping it leaves nothing behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { type Config, loadConfig, required } from '../config';
import { Database } from '../db/client';
import { connectTemporal } from '../temporal/client';
import { createPayloadCodec } from '../temporal/payload-codec';
import { type CpuTimes, cpuTimes } from './cpu-time';

const BIN = path.resolve(__dirname, '../bin/quayside.js');
/** A first start on a machine also provisions the Temporal program. */
const START_TIMEOUT_MS = 10 * 60_000;
/** Open activities end within 10 s; Postgres and Temporal then need a second each. */
const STOP_TIMEOUT_MS = 45_000;

/** What `quayside up` writes into running.json, as far as it is needed here. */
interface Running {
  readonly apiUrl: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly simulators: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
}

export interface BenchEngine {
  readonly running: Running;
  readonly config: Config;
  readonly database: Database;
  readonly temporal: Client;
  /** CPU seconds so far, by role. */
  cpu(): CpuTimes;
  stop(): Promise<void>;
}

/** @param env added to the engine's environment, e.g. TEMPORAL_ADDRESS. */
export async function startBenchEngine(env: Readonly<Record<string, string>> = {}): Promise<BenchEngine> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'quayside-bench-'));
  const child = spawn(process.execPath, [BIN, 'up', '--data-dir', dataDir, '--rate', '0'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => said.push(String(chunk)));
  try {
    const running = await untilRunning(child, path.join(dataDir, 'running.json'));
    const config = loadConfig(running.environment);
    const database = new Database({
      appUrl: required(config, 'DATABASE_APP_URL'),
      systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
      poolSize: 4,
    });
    const temporal = connectTemporal({
      address: running.temporalAddress,
      namespace: running.temporalNamespace,
      codec: createPayloadCodec(required(config, 'QUAYSIDE_ENCRYPTION_KEYS')),
    });
    return {
      running,
      config,
      database,
      temporal,
      cpu: () => cpuTimes(child.pid ?? 0, roleOf),
      async stop() {
        await database.close();
        await temporal.connection.close();
        await stopChild(child);
        rmSync(dataDir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await stopChild(child);
    rmSync(dataDir, { recursive: true, force: true });
    throw new Error(`the engine did not start:\n${said.join('').slice(-4_000)}`, { cause: error });
  }
}

/** Which part of the engine a command line is. */
function roleOf(command: string): string | null {
  const role = /quayside\.js (api|worker|dispatcher|simulators)\b/.exec(command)?.[1];
  if (role !== undefined) return role;
  if (/^postgres:|\/postgres /.test(command)) return 'postgres';
  return /\btemporal server start-dev\b/.test(command) ? 'temporal' : null;
}

async function untilRunning(child: ChildProcess, file: string): Promise<Running> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Running;
    await pause(100);
  }
  throw new Error(`it was not up after ${START_TIMEOUT_MS / 1000} s`);
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(late);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
