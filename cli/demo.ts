/** `quayside demo`: stories that check themselves while they are told; on the running engine, or on one of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { DEMO_MERCHANT_SLUG } from '../simulators/demo-ids';
import { openApi } from './api-client';
import { CommandError } from './command-error';
import { findRunning, locateDataDir } from './data-dir';
import { STORIES } from './demo/stories';
import type { Story } from './demo/story';
import { StoryFailed, World } from './demo/world';
import { startEngine } from './engine/engine';
import { Screen } from './screen';

interface Flags {
  readonly json?: boolean;
  readonly dataDir?: string;
}

interface Told {
  readonly story: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly failure: string | null;
}

export function register(program: Command): void {
  const width = Math.max(...STORIES.map(({ name }) => name.length)) + 2;
  program
    .command('demo <scenario...>')
    .summary('tell a story that checks itself; "demo all" tells all of them')
    .description(
      'Uses the engine that runs on the data directory, or starts one of its own and stops it afterwards. Exit code 1 when the outcome is not what the story says.',
    )
    .option('--json', 'one array of outcomes on standard output')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .addHelpText(
      'after',
      `\nScenarios:\n${STORIES.map(({ name, about }) => `  ${name.padEnd(width)}${about}`).join('\n')}\n  ${'all'.padEnd(width)}each of them, one after the other\n`,
    )
    .action((names: string[], flags: Flags) => demo(names, flags));
}

async function demo(names: readonly string[], flags: Flags): Promise<void> {
  const stories = names.includes('all') ? STORIES : names.map(storyCalled);
  const screen = new Screen();
  const told = await withEngine(flags.dataDir, screen, (dataDir) => tellAll(stories, dataDir, screen));
  const failed = told.filter(({ ok }) => !ok);
  screen.say('');
  screen.say(
    failed.length === 0
      ? `${told.length === 1 ? 'The story ends' : `All ${told.length} stories end`} as told.`
      : `${failed.length} of ${told.length} stories did not end as told: ${failed.map(({ story }) => story).join(', ')}`,
  );
  if (flags.json) process.stdout.write(`${JSON.stringify(told)}\n`);
  if (failed.length > 0) process.exitCode = 1;
}

function storyCalled(name: string): Story {
  const story = STORIES.find((one) => one.name === name);
  if (story === undefined)
    throw new CommandError(
      `there is no scenario "${name}"`,
      2,
      `there are: ${STORIES.map((one) => one.name).join(', ')}, all`,
    );
  return story;
}

async function tellAll(stories: readonly Story[], dataDir: string, screen: Screen): Promise<Told[]> {
  const told: Told[] = [];
  for (const story of stories) {
    const started = Date.now();
    screen.say('');
    screen.say(`${story.name}: ${story.about}`);
    let failure: string | null = null;
    try {
      await story.tell(new World(openApi(dataDir, DEMO_MERCHANT_SLUG), screen));
    } catch (error) {
      if (!(error instanceof StoryFailed) && !(error instanceof CommandError)) throw error;
      failure = error.message;
      screen.say(`  ✗ ${failure}`);
    }
    const seconds = Math.round((Date.now() - started) / 100) / 10;
    told.push({ story: story.name, ok: failure === null, seconds, failure });
  }
  return told;
}

/** The engine of the data directory when one runs; else one on a directory that is thrown away. */
async function withEngine<T>(
  dataDirFlag: string | undefined,
  screen: Screen,
  work: (dataDir: string) => Promise<T>,
): Promise<T> {
  const wanted = locateDataDir(dataDirFlag);
  const running = findRunning(wanted);
  if (running !== null && running.apiKey === null)
    throw new CommandError(
      `the engine on ${wanted} runs without the demo`,
      2,
      'start it without --no-demo, or give another --data-dir to have one started for the story',
    );
  if (running !== null) return work(wanted);
  const dataDir = mkdtempSync(join(tmpdir(), 'quayside-demo-'));
  screen.say('No engine runs, so one is started for this; it is thrown away afterwards.');
  try {
    const engine = await startEngine(
      { dataDir, fresh: false, demo: true, rate: 0, workers: 1, ports: 'any' },
      screen,
    );
    try {
      return await work(dataDir);
    } finally {
      await screen.step('stopping the engine', () => engine.stop());
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
