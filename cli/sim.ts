/** `quayside sim`: the simulated partners of the demo, and the knobs by which they misbehave. */
import type { Command } from 'commander';
import { FAULT_KINDS, type FaultRuleState } from '../simulators/fault-knobs';
import { ask, requireRunning } from './api-client';
import { CommandError } from './command-error';
import { table } from './screen';

interface Target {
  readonly json?: boolean;
  readonly dataDir?: string;
}

interface SetFlags extends Target {
  readonly path?: string;
  readonly method?: string;
  readonly operation?: string;
  readonly probability?: string;
  readonly times?: string;
  readonly latencyMs?: string;
  readonly seed?: string;
  readonly add?: boolean;
}

export function register(program: Command): void {
  const sim = program
    .command('sim')
    .summary('simulated partners: list them, set and clear faults')
    .description('Lists the simulated partners of the running engine and the faults that are set on them.')
    .option('--json', 'one array instead of a table')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((flags: Target) => list(flags));
  sim
    .command('set <partner> <fault>')
    .summary('let a partner misbehave')
    .description(`Sets a fault on a partner in place of those it has. Faults: ${FAULT_KINDS.join(', ')}.`)
    .option('--path <path>', 'only calls whose path begins so (/…), or matches (^…)')
    .option('--method <method>', 'only calls with this method')
    .option('--operation <name>', 'only this GraphQL operation or webhook topic')
    .option('--probability <p>', 'how likely, from 0 to 1 (default: 1)')
    .option('--times <n>', 'how often at most (default: no limit)')
    .option('--latency-ms <ms>', 'delay, wait asked for, or silence')
    .option('--seed <n>', 'of the dice that decide')
    .option('--add', 'keep the faults that are set')
    .addHelpText(
      'after',
      '\nExamples:\n  quayside sim set carrier success_then_timeout --path ^/v2/shipments/.+/buy --times 1\n  quayside sim set shop rate_limit --probability 0.2\n',
    )
    .action((partner: string, fault: string, _flags: unknown, command: Command) =>
      set(partner, fault, command.optsWithGlobals<SetFlags>()),
    );
  sim
    .command('clear [partner]')
    .summary('well again: one partner, or all')
    .action((partner: string | undefined, _flags: unknown, command: Command) =>
      clear(partner, command.optsWithGlobals<Target>()),
    );
}

async function list(flags: Target): Promise<void> {
  const { simulators } = requireRunning(flags.dataDir);
  const found = await Promise.all(
    Object.entries(simulators).map(async ([name, url]) => ({ name, url, rules: await rulesOf(url) })),
  );
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(found)}\n`);
    return;
  }
  if (found.length === 0) {
    process.stdout.write('this engine runs without simulated partners\n');
    return;
  }
  const rows = found.map(({ name, url, rules }) => [name, url, rules.map(describe).join('; ') || 'well']);
  process.stdout.write(`${table(rows, ['PARTNER', 'ADDRESS', 'FAULTS'])}\n`);
}

async function set(partner: string, fault: string, flags: SetFlags): Promise<void> {
  const url = urlOf(partner, flags);
  const number = (name: string, value: string | undefined): Record<string, number> => {
    if (value === undefined) return {};
    if (value.trim() === '' || !Number.isFinite(Number(value)))
      throw new CommandError(`--${name} takes a number, not "${value}"`, 2);
    return { [name.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase())]: Number(value) };
  };
  const rule = {
    kind: fault,
    match: {
      ...(flags.path === undefined ? {} : { path: flags.path }),
      ...(flags.method === undefined ? {} : { method: flags.method }),
      ...(flags.operation === undefined ? {} : { operation: flags.operation }),
    },
    ...number('probability', flags.probability),
    ...number('times', flags.times),
    ...number('latency-ms', flags.latencyMs),
    ...number('seed', flags.seed),
  };
  const kept = flags.add ? (await rulesOf(url)).map(({ struck: _struck, ...before }) => before) : [];
  const answer = await ask(`${url}/__faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ rules: [...kept, rule] }),
  });
  if (!answer.ok) throw new CommandError(`${partner} refuses: ${await problemOf(answer)}`, 2);
  const { rules } = (await answer.json()) as { rules: FaultRuleState[] };
  process.stdout.write(
    flags.json ? `${JSON.stringify(rules)}\n` : `${partner}: ${rules.map(describe).join('; ')}\n`,
  );
}

async function clear(partner: string | undefined, flags: Target): Promise<void> {
  const { simulators } = requireRunning(flags.dataDir);
  const names = partner === undefined ? Object.keys(simulators) : [partner];
  for (const name of names) {
    await ask(`${urlOf(name, flags)}/__faults`, { method: 'DELETE' });
    process.stdout.write(`${name}: well\n`);
  }
}

function urlOf(partner: string, flags: Target): string {
  const { simulators } = requireRunning(flags.dataDir);
  const url = simulators[partner];
  if (url === undefined)
    throw new CommandError(
      `there is no simulated partner "${partner}"`,
      2,
      `there are: ${Object.keys(simulators).join(', ') || 'none'}`,
    );
  return url;
}

async function rulesOf(url: string): Promise<FaultRuleState[]> {
  const answer = await ask(`${url}/__faults`);
  return ((await answer.json()) as { rules: FaultRuleState[] }).rules;
}

async function problemOf(answer: Response): Promise<string> {
  const body = (await answer.json().catch(() => ({}))) as {
    error?: string;
    errors?: { pointer: string; message: string }[];
  };
  return (
    body.errors?.map(({ pointer, message }) => `${pointer} ${message}`).join('; ') ??
    body.error ??
    String(answer.status)
  );
}

/** `rate_limit on POST /v2, 20%, 3 of 5 times` */
function describe(rule: FaultRuleState): string {
  const where = [rule.match.method, rule.match.path, rule.match.operation].filter(Boolean).join(' ');
  const parts = [`${rule.kind}${where === '' ? '' : ` on ${where}`}`];
  if (rule.probability < 1) parts.push(`${Math.round(rule.probability * 100)}%`);
  parts.push(
    rule.times === undefined ? `struck ${rule.struck} times` : `struck ${rule.struck} of ${rule.times} times`,
  );
  return parts.join(', ');
}
