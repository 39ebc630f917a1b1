/**
 * `quayside up`, which `npm start` runs: a whole engine on this machine from nothing, then a calm summary
 * until Ctrl-C. Everything about how the parts start and stop is in `engine/`; here is what a person sees.
 */
import { execFileSync } from 'node:child_process';
import type { Command } from 'commander';
import { identify, isRunning, type ProcessIdentity } from '../provision/processes';
import { CommandError } from './command-error';
import { locateDataDir, type Running } from './data-dir';
import { type Engine, startEngine } from './engine/engine';
import { PORTS, parsePorts } from './engine/ports';
import { summaryLine, summaryReader } from './engine/summary';
import { STUCK_QUERY, workflowListUrl } from './links';
import { Screen } from './screen';

const SUMMARY_EVERY_MS = { terminal: 2_000, lines: 10_000 };
/** Under npm a Ctrl-C arrives twice, from the terminal and from npm; a person who insists takes longer. */
const SECOND_SIGNAL_AFTER_MS = 1_500;
const PARENT_CHECK_MS = 1_000;
const INDENT = '  ';

interface UpFlags {
  readonly dataDir?: string;
  readonly fresh?: boolean;
  readonly demo: boolean;
  readonly rate: string;
  readonly ports?: string;
  readonly workers: string;
  readonly verbose?: boolean;
}

export function register(program: Command): void {
  program
    .command('up')
    .summary('start an engine on this machine (npm start)')
    .description(
      'Starts Postgres, a Temporal server, the API, the dispatcher, a worker and, unless told not to, a demo ' +
        'merchant with simulated shops, carriers, mail and floor staff. Runs until Ctrl-C. A second start goes ' +
        'on where the first stopped. DATABASE_URL and TEMPORAL_ADDRESS, when set, are used instead of own servers.',
    )
    .option('--data-dir <dir>', 'where everything is kept (default: .quayside in the clone)')
    .option('--fresh', 'wipe the data directory first, without asking')
    .option('--no-demo', 'no demo merchant and no simulated partners')
    .option('--rate <orders>', 'orders a minute that the demo customers place', '12')
    .option('--ports <list>', `ports to insist on, as name=port,…; names: ${Object.keys(PORTS).join(', ')}`)
    .option('--workers <n>', 'worker processes', '1')
    .option('--verbose', 'also say each process, its log and each migration')
    .addHelpText(
      'after',
      '\nExamples:\n  quayside up --fresh --rate 60\n  quayside up --data-dir /tmp/trial --ports api=9000,ui=9001\n',
    )
    .action((flags: UpFlags) => up(flags));
}

async function up(flags: UpFlags): Promise<void> {
  const screen = new Screen(process.stderr, flags.verbose === true);
  const options = {
    dataDir: locateDataDir(flags.dataDir),
    fresh: flags.fresh === true,
    demo: flags.demo,
    rate: numberOf('--rate', flags.rate, 0, 6_000),
    workers: numberOf('--workers', flags.workers, 1, 32),
    ports: flags.ports === undefined ? {} : parsePorts(flags.ports),
  };
  screen.say(`Quayside starts; its data lies in ${options.dataDir}`);
  const stopAsked = watchForStop();
  const engine = await stopAsked.during(startEngine(options, screen), screen);
  if (engine === null) return;
  try {
    sayWhereThingsAre(engine.running, options.rate, screen);
    await showSummaries(engine, stopAsked.asked, screen);
  } finally {
    screen.endLive();
    screen.say('');
    await screen.step('stopping; orders in flight go on at the next start', () => engine.stop());
  }
}

function numberOf(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least || value > most)
    throw new CommandError(`${flag} takes a number from ${least} to ${most}, not "${text}"`, 2);
  return value;
}

function sayWhereThingsAre(running: Running, rate: number, screen: Screen): void {
  const { apiUrl, apiKey, temporalUiUrl, temporalNamespace, simulators, mailInboxUrl, metricsUrls } = running;
  const lines: [string, string][] = [
    ['API', apiUrl],
    ['API docs', `${apiUrl}/docs/`],
  ];
  if (apiKey !== null) lines.push(['demo API key', apiKey]);
  if (temporalUiUrl !== null)
    lines.push(
      ['Temporal UI', temporalUiUrl],
      ['stuck orders', workflowListUrl(temporalUiUrl, temporalNamespace, STUCK_QUERY)],
    );
  if (mailInboxUrl !== null) lines.push(['mail inbox', mailInboxUrl]);
  const { shop, carrier } = simulators;
  const webhookShop = simulators['webhook-shop'];
  if (shop !== undefined) lines.push(['shop (simulated)', `${shop}/__shop/orders`]);
  if (webhookShop !== undefined) lines.push(['webhook shop', `${webhookShop}/__shop/orders`]);
  if (carrier !== undefined) lines.push(['carriers', `${carrier}/__journal`]);
  lines.push(['metrics', Object.values(metricsUrls).join('  ')]);
  screen.say('');
  for (const [name, value] of lines) screen.say(`  ${name.padEnd(18)}${value}`);
  screen.say('');
  if (Object.keys(simulators).length > 0)
    screen.say(
      rate > 0
        ? `  ${rate} orders a minute come in, one in ten with something wrong. Ctrl-C stops.`
        : '  No orders come in by themselves (--rate 0). Ctrl-C stops.',
    );
  else screen.say('  Ctrl-C stops.');
  screen.say('');
}

async function showSummaries(engine: Engine, stopAsked: Promise<void>, screen: Screen): Promise<void> {
  const reader = summaryReader(engine.running.environment.DATABASE_CHECK_URL ?? '');
  const every = screen.isTerminal ? SUMMARY_EVERY_MS.terminal : SUMMARY_EVERY_MS.lines;
  let stopped = false;
  void stopAsked.then(() => {
    stopped = true;
  });
  try {
    while (!stopped) {
      const summary = await reader.read();
      const time = `${new Date().toLocaleTimeString('en-GB')}  `;
      const room = screen.width - time.length - INDENT.length;
      const text = `${time}${summary === null ? 'the database does not answer' : summaryLine(summary, room)}`;
      if (screen.isTerminal) screen.setLive(`${INDENT}${text}`);
      else screen.say(text);
      await Promise.race([stopAsked, new Promise((resolve) => setTimeout(resolve, every))]);
    }
  } finally {
    await reader.close();
  }
}

/** A signal, or the end of the npm that started us; a second signal ends at once, and the watchdog the rest. */
function watchForStop(): {
  readonly asked: Promise<void>;
  during(start: Promise<Engine>, screen: Screen): Promise<Engine | null>;
} {
  let firstAt = 0;
  let ask: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    ask = () => {
      firstAt ||= Date.now();
      resolve();
    };
  });
  const onSignal = (): void => {
    if (firstAt !== 0 && Date.now() - firstAt > SECOND_SIGNAL_AFTER_MS) process.exit(130);
    ask();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  const parents = npmAncestors();
  if (parents.length > 0)
    setInterval(() => {
      if (!parents.every(isRunning)) ask();
    }, PARENT_CHECK_MS).unref();
  return {
    asked,
    async during(start, screen) {
      const first = await Promise.race([start, asked.then(() => null)]);
      if (first !== null) return first;
      // Asked while starting: what is up already is stopped in order once the start is through.
      screen.say('  stopping as soon as what has begun is through; Ctrl-C again ends it at once');
      const engine = await start.catch(() => null);
      await engine?.stop();
      return null;
    },
  };
}

/** Under `npm start`: npm and the shell between us. When somebody kills npm for good, nobody else would tell us. */
function npmAncestors(): ProcessIdentity[] {
  if (process.env.npm_lifecycle_event === undefined) return [];
  try {
    const parent = execFileSync('ps', ['-o', 'ppid=', '-p', String(process.ppid)], { encoding: 'utf8' });
    return [process.ppid, Number(parent.trim())]
      .filter((pid) => pid > 1)
      .flatMap((pid) => identify(pid) ?? []);
  } catch {
    return [];
  }
}
