/** A TypeScript file of this folder as a child process, with a channel for messages. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { type CpuTimes, cpuTimes } from './cpu-time';

const ROOT = path.resolve(__dirname, '..');
const STOP_TIMEOUT_MS = 15_000;

export interface BenchChild {
  readonly process: ChildProcess;
  cpu(): CpuTimes;
  stop(): Promise<void>;
}

export function startChild(file: string, label: string, env: Readonly<Record<string, string>>): BenchChild {
  const child = spawn(process.execPath, ['--import', 'tsx', path.join(__dirname, file)], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return {
    process: child,
    cpu: () => cpuTimes(child.pid ?? 0, () => label),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(late);
    },
  };
}
