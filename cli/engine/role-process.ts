/**
 * A role (`quayside api`, `worker`, …) as a child process of `quayside up`: in its own process group and
 * known to the watchdog, logging JSON into `logs/<name>.log`, and up when it says so over the channel that
 * Node opens between the two. A role that ends before that has failed to start; the end of its log says why.
 */
import { closeSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { spawnGuarded } from '../../provision/process-guard';
import { identify, stopProcess } from '../../provision/processes';
import { describeExit, exitOf, logTail, openLog, type Running } from '../../provision/running';
import { CLONE } from '../data-dir';

/** A worker that has to build its workflow bundle on a busy machine takes the longest: 5 s when it is free. */
const READY_TIMEOUT_MS = 120_000;
/** Open activities end within 10 s; then what is left is killed. */
const STOP_STEPS = [['SIGTERM', 15_000]] as const;

export interface RoleOptions {
  /** What people and the log file call it: `worker-2`. */
  readonly name: string;
  readonly role: 'api' | 'worker' | 'dispatcher' | 'simulators';
  readonly dataDir: string;
  /** The whole environment of the process. */
  readonly environment: NodeJS.ProcessEnv;
}

/** What a role says when it is up; `role-ready` sends it. */
export interface RoleReady {
  readonly ready: Readonly<Record<string, unknown>>;
}

/** Starts the role and waits until it is ready. @throws Error with the end of its log. */
export async function startRole(options: RoleOptions): Promise<Running> {
  const logs = join(options.dataDir, 'logs');
  mkdirSync(logs, { recursive: true });
  const logFile = join(logs, `${options.name}.log`);
  const { fd, offset } = openLog(logFile);
  const child = await spawnGuarded(process.execPath, [join(CLONE, 'bin', 'quayside.js'), options.role], {
    cwd: CLONE,
    env: options.environment,
    stdio: ['ignore', fd, fd, 'ipc'],
    stopSignal: 'SIGTERM',
    graceMs: 10_000,
  }).finally(() => closeSync(fd));
  const exited = exitOf(child);
  const identity = identify(child.pid);
  const stop = async (): Promise<void> => {
    if (identity !== null) await stopProcess(identity, STOP_STEPS);
    await exited;
  };
  let timer: NodeJS.Timeout | undefined;
  const outcome = await Promise.race([
    new Promise<'ready'>((resolve) => {
      child.on('message', (message: RoleReady) => {
        if ('ready' in message) resolve('ready');
      });
    }),
    exited,
    new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), READY_TIMEOUT_MS);
    }),
  ]);
  clearTimeout(timer);
  if (outcome === 'ready') return { pid: child.pid, exited, stop };
  await stop();
  const why = outcome === 'late' ? `not ready after ${READY_TIMEOUT_MS / 1000} s` : describeExit(outcome);
  throw new Error(`${options.name} did not start (${why}): ${logTail(logFile, offset)}`);
}
