/** `quayside orders`: what there is, by the API's list and filters, and one order with its whole story. */
import type { Command } from 'commander';
import type { z } from 'zod';
import { ORDER_STATES, type orderDetailSchema, type orderSummarySchema } from '../contracts/orders';
import { type ApiClient, openApi } from './api-client';
import { CommandError } from './command-error';
import { workflowUrl } from './links';
import { registerOrderActions } from './order-actions';
import { table } from './screen';

export type OrderSummary = z.output<typeof orderSummarySchema>;
export type OrderDetail = z.output<typeof orderDetailSchema>;

interface ListFlags {
  readonly state?: string;
  readonly reason?: string;
  readonly stuck?: boolean;
  readonly held?: boolean;
  readonly channel?: string;
  readonly since?: string;
  readonly limit: string;
  readonly json?: boolean;
  readonly dataDir?: string;
}

export function register(program: Command): void {
  const orders = program
    .command('orders')
    .summary('list orders, or show one')
    .description('Lists orders of the running engine, the newest first.')
    .option('--state <states>', `one or several, comma-separated: ${ORDER_STATES.join(', ')}`)
    .option('--stuck', 'only those that wait for somebody')
    .option('--reason <reason>', 'only those that wait for this, e.g. unmapped_sku')
    .option('--held', 'only those on hold')
    .option('--channel <channel>', 'shopify, generic, api or csv')
    .option('--since <time>', 'placed at or after, RFC 3339')
    .option('--limit <n>', 'how many at most', '1000')
    .option('--json', 'one array instead of a table')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((flags: ListFlags) => list(flags));
  orders
    .command('show <id>')
    .summary('one order with its parts and its timeline')
    .description('Shows an order by its id, or by the number that its channel gave it.')
    .option('--json', 'one object as the API gives it')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((id: string, _flags: unknown, command: Command) =>
      show(id, command.optsWithGlobals<{ json?: boolean; dataDir?: string }>()),
    );
  registerOrderActions(orders);
}

async function list(flags: ListFlags): Promise<void> {
  const limit = Number(flags.limit);
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new CommandError(`--limit takes a whole number from 1, not "${flags.limit}"`, 2);
  const states = flags.state?.split(',').map((state) => state.trim()) ?? [undefined];
  const unknown = states.find((state) => state !== undefined && !ORDER_STATES.includes(state as never));
  if (unknown !== undefined)
    throw new CommandError(
      `there is no order state "${unknown}"`,
      2,
      `states are ${ORDER_STATES.join(', ')}`,
    );
  const api = openApi(flags.dataDir);
  const found: OrderSummary[] = [];
  for (const state of states) {
    const query = {
      state,
      blockedReason: flags.reason,
      blocked: flags.stuck ? 'true' : undefined,
      held: flags.held ? 'true' : undefined,
      channel: flags.channel,
      placedFrom: flags.since,
    };
    found.push(...(await api.list<OrderSummary>('/v1/orders', query, limit - found.length)));
    if (found.length >= limit) break;
  }
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(found)}\n`);
    return;
  }
  if (found.length === 0) {
    process.stdout.write('no such orders\n');
    return;
  }
  const rows = found.map((order) => [
    order.externalNumber ?? order.externalId,
    order.state,
    order.blockedReason ?? (order.held ? 'held' : ''),
    order.channel,
    order.placedAt.slice(0, 19).replace('T', ' '),
    order.id,
  ]);
  process.stdout.write(`${table(rows, ['NUMBER', 'STATE', 'WAITS FOR', 'CHANNEL', 'PLACED (UTC)', 'ID'])}\n`);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @param name its id, or the number that its channel gave it. @throws CommandError unless exactly one has it. */
export async function findOrderId(api: ApiClient, name: string): Promise<string> {
  if (UUID.test(name)) return name;
  const all = await api.list<OrderSummary>('/v1/orders', {}, 5_000);
  const named = all.filter(({ externalNumber, externalId }) =>
    [externalNumber, externalId, externalNumber?.replace(/^#/, '')].includes(name),
  );
  const [only, another] = named;
  if (only === undefined) throw new CommandError(`no order is called "${name}"`, 1, 'give its id');
  if (another !== undefined)
    throw new CommandError(`several orders are called "${name}"`, 1, named.map((one) => one.id).join(', '));
  return only.id;
}

async function show(
  id: string,
  flags: { readonly json?: boolean; readonly dataDir?: string },
): Promise<void> {
  const api = openApi(flags.dataDir);
  const order = await api.get<OrderDetail>(`/v1/orders/${await findOrderId(api, id)}`);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(order)}\n`);
    return;
  }
  const ui = api.running?.temporalUiUrl ?? null;
  const link =
    ui === null ? null : workflowUrl(ui, api.running?.temporalNamespace ?? 'default', order.workflowId);
  process.stdout.write(`${describe(order, link)}\n`);
}

function describe(order: OrderDetail, link: string | null): string {
  const head: [string, string][] = [
    ['order', `${order.externalNumber ?? order.externalId} from ${order.channel} (${order.id})`],
    ['state', `${order.state} since ${order.stateSince}${order.held ? ', held' : ''}`],
  ];
  if (order.blockedReason !== null)
    head.push(['waits for', `${order.blockedReason} since ${order.blockedSince ?? ''}`]);
  head.push(['payment', order.payment]);
  if (order.shipBy !== null) head.push(['ship by', order.shipBy]);
  if (link !== null) head.push(['workflow', link]);
  const lines = order.lines.map((line) => `  ${line.quantity} × ${line.sku}  ${line.title}`);
  const parts = order.fulfilmentOrders.map(
    (part) => `  ${part.number}. ${part.warehouseCode}: ${part.state} (${part.lines.length} lines)`,
  );
  const parcels = order.parcels.map((parcel) =>
    `  ${parcel.number}. ${parcel.state} ${parcel.carrier ?? ''} ${parcel.service ?? ''} ${parcel.trackingNumber ?? ''}`.trimEnd(),
  );
  const exceptions = order.exceptions.map(
    (one) => `  ${one.state} ${one.reason}: ${one.message} (owner: ${one.owner})`,
  );
  const timeline = order.timeline.map((entry) => [`  ${entry.at}`, entry.kind, entry.what]);
  const section = (name: string, of: readonly string[]): string[] =>
    of.length === 0 ? [] : ['', name, ...of];
  return [
    ...head.map(([name, value]) => `${name.padEnd(11)}${value}`),
    ...section('lines', lines),
    ...section('fulfilment orders', parts),
    ...section('parcels', parcels),
    ...section('exceptions', exceptions),
    '',
    'timeline',
    table(timeline),
  ].join('\n');
}
