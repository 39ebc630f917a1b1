/** `quayside route`: why an order ships from where it does, and where one would ship from now. */
import type { Command } from 'commander';
import type { z } from 'zod';
import type { dryRunAnswerSchema, orderRoutingSchema, ruleSchema, traceSchema } from '../contracts/routing';
import { type ApiClient, openApi } from './api-client';
import { CommandError } from './command-error';
import { findOrderId } from './orders';
import { table } from './screen';

type OrderRouting = z.output<typeof orderRoutingSchema>;
type DryRunAnswer = z.output<typeof dryRunAnswerSchema>;
type Trace = z.output<typeof traceSchema>;
type Rule = z.output<typeof ruleSchema>;

interface Flags {
  readonly lines?: string;
  readonly to?: string;
  readonly tags?: string;
  readonly now?: boolean;
  readonly rules?: boolean;
  readonly merchant?: string;
  readonly json?: boolean;
  readonly dataDir?: string;
}

export function register(program: Command): void {
  program
    .command('route [order]')
    .summary('why an order ships from where it does')
    .description(
      'Tells why an order (by id or number) went where it went: each rule and what it did, the warehouses, ' +
        'the ways that were compared. With --now it is decided anew; with --lines for lines that nobody has ' +
        'ordered. Neither reserves nor changes anything.',
    )
    .option('--now', 'where it would ship from if it came in now')
    .option('--lines <lines>', 'SKUs with quantities, e.g. MUG-BLUE=2,LAMP=1')
    .option('--to <destination>', 'country, postal code and region, e.g. US,90210,CA')
    .option('--tags <tags>', 'comma-separated')
    .option('--rules', 'list the rules instead, in the order in which they are read')
    .option('--merchant <merchant>', 'slug or id, where the key serves several')
    .option('--json', 'one object as the API gives it')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((order: string | undefined, flags: Flags) => route(order, flags));
}

async function route(order: string | undefined, flags: Flags): Promise<void> {
  const asked = [order !== undefined, flags.lines !== undefined, flags.rules === true].filter(Boolean);
  if (asked.length !== 1)
    throw new CommandError('give either an order, --lines or --rules', 2, 'quayside help route');
  const api = openApi(flags.dataDir, flags.merchant);
  const tell = <T>(answer: T, inWords: (answer: T) => string) =>
    process.stdout.write(`${flags.json ? JSON.stringify(answer) : inWords(answer)}\n`);
  if (flags.rules) tell(await api.list<Rule>('/v1/routing/rules', {}, 1_000), describeRules);
  else if (order === undefined) tell(await dryRun(api, linesOf(flags)), describeRun);
  else if (flags.now) tell(await dryRun(api, { orderId: await findOrderId(api, order) }), describeRun);
  else {
    const orderId = await findOrderId(api, order);
    tell(await api.get<OrderRouting>(`/v1/orders/${orderId}/routing`), describeDecisions);
  }
}

const dryRun = (api: ApiClient, body: unknown) => api.send<DryRunAnswer>('POST', '/v1/routing/dry-run', body);

function linesOf({ lines = '', to, tags }: Flags) {
  const [country, postalCode, region] = (to ?? '').split(',').map((part) => part.trim());
  if (!country) throw new CommandError('--lines needs --to, e.g. --to US,90210,CA', 2);
  return {
    lines: lines.split(',').map((line) => {
      const [, sku, quantity] = /^\s*(.+?)\s*=\s*(\d+)\s*$/.exec(line) ?? [];
      if (sku === undefined)
        throw new CommandError(`"${line}" is not SKU=QUANTITY`, 2, 'e.g. --lines MUG-BLUE=2,LAMP=1');
      return { sku, quantity: Number(quantity) };
    }),
    destination: { country, ...(postalCode ? { postalCode } : {}), ...(region ? { region } : {}) },
    ...(tags === undefined ? {} : { tags: tags.split(',').map((tag) => tag.trim()) }),
  };
}

const OUTCOMES: Readonly<Record<DryRunAnswer['outcome'], string>> = {
  plan: 'planned',
  short: 'not planned: it waits for stock',
  no_warehouse: 'not planned: no open warehouse may ship it',
};

function describeTrace({ explanation, warehouses, costBy }: Trace): string {
  const cost = (value: number | null) =>
    value === null
      ? 'unknown'
      : costBy === 'distance'
        ? `${Math.round(value / 1000)} km`
        : `${value} minor units`;
  const rows = warehouses.map((each) => [
    `  ${each.warehouse.code ?? each.warehouse.id}`,
    String(each.whole),
    cost(each.cost),
    String(each.load),
    [each.out === 'rules' ? 'not allowed' : each.out === 'nothing' ? 'has nothing' : '', each.avoid ?? '']
      .filter(Boolean)
      .join(', '),
  ]);
  const titles = ['  WAREHOUSE', 'PRODUCTS WHOLE', 'COST', 'ORDERS THAT DAY', 'OUT'];
  return [...explanation.map((sentence) => `  ${sentence}`), '', table(rows, titles)].join('\n');
}

function describeRun({ outcome, shipments, waiting, trace }: DryRunAnswer): string {
  const units = (lines: DryRunAnswer['waiting']) =>
    lines.map(({ product, quantity }) => `${quantity} × ${product.sku ?? product.id}`).join(', ');
  return [
    OUTCOMES[outcome],
    ...shipments.map(({ warehouse, lines }) => `  ${warehouse.code ?? warehouse.id}: ${units(lines)}`),
    ...(waiting.length > 0 ? [`  waiting: ${units(waiting)}`] : []),
    '',
    describeTrace(trace),
  ].join('\n');
}

function describeDecisions({ decisions }: OrderRouting): string {
  if (decisions.length === 0) return 'it was not routed yet';
  return decisions
    .map(({ decidedAt, outcome, trace }) => `${decidedAt} ${OUTCOMES[outcome]}\n${describeTrace(trace)}`)
    .join('\n\n');
}

function describeRules(rules: readonly Rule[]): string {
  if (rules.length === 0) return 'there are no routing rules';
  const rows = rules.map((rule) => [
    String(rule.position),
    rule.name,
    rule.enabled ? '' : 'off',
    Object.entries(rule.conditions)
      .map(([kind, values]) => `${kind}: ${(values as readonly string[]).join(', ')}`)
      .join('; ') || 'always',
    rule.effects.map(({ kind }) => kind).join(', '),
    rule.id,
  ]);
  return table(rows, ['POSITION', 'NAME', '', 'WHEN', 'DOES', 'ID']);
}
