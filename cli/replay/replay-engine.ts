/** The engine that a replay runs on: that of the data directory, or one of its own that goes afterwards. */
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '../command-error';
import { findRunning, loadSecrets, locateDataDir, type Running } from '../data-dir';
import { startEngine } from '../engine/engine';
import type { Screen } from '../screen';

export interface ReplayEngine {
  readonly running: Running;
  /** A key for the replay's floor staff, the same for every replay on this data directory. */
  readonly floorKey: string;
  stop(): Promise<void>;
}

/** @throws CommandError when the running engine has no simulated partners. */
export async function openReplayEngine(
  dataDirFlag: string | undefined,
  screen: Screen,
): Promise<ReplayEngine> {
  const dataDir = locateDataDir(dataDirFlag);
  const running = findRunning(dataDir);
  if (running === null) return startOwnEngine(screen);
  if (running.simulators.carrier === undefined) {
    throw new CommandError(
      'the running engine has no simulated carrier, and a replay never ships by a real one',
      1,
      'name another data directory with --data-dir; where no engine runs, the replay starts one for itself',
    );
  }
  screen.say(`  replaying on the engine of ${dataDir}`);
  return { running, floorKey: floorKeyOf(dataDir), stop: () => Promise.resolve() };
}

async function startOwnEngine(screen: Screen): Promise<ReplayEngine> {
  const dataDir = mkdtempSync(join(tmpdir(), 'quayside-replay-'));
  screen.say(`No engine runs; one for this replay starts in ${dataDir}`);
  try {
    const engine = await startEngine(
      { dataDir, fresh: false, demo: true, rate: 0, workers: 1, ports: {} },
      screen,
    );
    return {
      running: engine.running,
      floorKey: floorKeyOf(dataDir),
      async stop() {
        await screen.step('stopping the engine of this replay', () => engine.stop());
        rmSync(dataDir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(dataDir, { recursive: true, force: true });
    throw error;
  }
}

function floorKeyOf(dataDir: string): string {
  const { demoSecret } = loadSecrets(dataDir);
  return `qs_test_${createHmac('sha256', demoSecret).update('floor of the replay').digest('base64url')}`;
}
