/** `quayside work-orders`: kits that are made or taken apart, and steering them. */
import type { Command } from 'commander';
import type { z } from 'zod';
import type { warehouseSchema } from '../contracts/organisation';
import type { workOrderDetailSchema, workOrderSchema } from '../contracts/work-orders';
import { openApi } from './api-client';
import { CommandError } from './command-error';
import { table } from './screen';

interface Flags {
  readonly merchant?: string;
  readonly json?: boolean;
  readonly dataDir?: string;
}

interface CreateFlags extends Flags {
  readonly warehouse: string;
  readonly bin: string;
  readonly part: readonly string[];
  readonly disassemble?: boolean;
  readonly reason: string;
}

interface ReportFlags extends Flags {
  readonly broke: readonly string[];
  readonly why: string;
}

type Head = z.output<typeof workOrderSchema>;
type Detail = z.output<typeof workOrderDetailSchema>;

const each = (value: string, before: readonly string[]) => [...before, value];

export function register(program: Command): void {
  const workOrders = program
    .command('work-orders')
    .summary('list work orders, have kits made or taken apart')
    .option('--json', 'as the API gives it')
    .option('--merchant <merchant>', 'slug or id, where the key serves several')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((flags: Flags) => list(flags));
  workOrders
    .command('create <sku> <quantity>')
    .summary('have kits made of their parts, or taken apart')
    .requiredOption('--warehouse <code>', 'where')
    .requiredOption('--bin <code>', 'where what comes out is put')
    .requiredOption('--part <sku=n>', 'what is in one kit; may come several times', each, [])
    .option('--disassemble', 'take kits apart')
    .option('--reason <text>', 'for the audit log', 'kitting')
    .action((sku: string, quantity: string, _flags: unknown, command: Command) =>
      create(sku, quantity, command.optsWithGlobals<CreateFlags>()),
    );
  workOrders
    .command('show <id>')
    .summary('one work order with its steps and where to take the parts')
    .action((id: string, _flags: unknown, command: Command) => show(id, command.optsWithGlobals<Flags>()));
  workOrders
    .command('report <id> <units>')
    .summary('kits that are made, and what broke')
    .option('--broke <sku=n>', 'parts that broke; may come several times', each, [])
    .option('--why <text>', 'why they broke', 'broken')
    .action((id: string, units: string, _flags: unknown, command: Command) =>
      report(id, units, command.optsWithGlobals<ReportFlags>()),
    );
  for (const [verb, summary] of [
    ['finish', 'stop here: what is made is enough'],
    ['cancel', 'cancel the rest; what is made stays'],
    ['retry', 'look again at what it waits for'],
  ] as const)
    workOrders
      .command(`${verb} <id>`)
      .summary(summary)
      .requiredOption('--reason <text>', 'why, for the audit log')
      .action((id: string, _flags: unknown, command: Command) =>
        act(verb, id, command.optsWithGlobals<Flags & { readonly reason: string }>()),
      );
}

async function list({ dataDir, merchant, json }: Flags): Promise<void> {
  const found = await openApi(dataDir, merchant).list<Head>('/v1/work-orders', {}, 100);
  if (json) return void process.stdout.write(`${JSON.stringify(found)}\n`);
  const rows = found.map((order) => [
    order.id,
    order.kind,
    order.sku,
    `${order.built} of ${order.planned}`,
    order.blockedReason ?? order.state,
    order.warehouseCode,
    order.requestedAt.slice(0, 16).replace('T', ' '),
  ]);
  const titles = ['WORK ORDER', 'KIND', 'SKU', 'MADE', 'STATE', 'WAREHOUSE', 'ASKED (UTC)'];
  process.stdout.write(rows.length === 0 ? 'no work orders\n' : `${table(rows, titles)}\n`);
}

async function create(sku: string, quantity: string, flags: CreateFlags): Promise<void> {
  const api = openApi(flags.dataDir, flags.merchant);
  const warehouses = await api.list<z.output<typeof warehouseSchema>>('/v1/warehouses', {}, 1_000);
  const warehouse = warehouses.find(({ code, id }) => [code, id].includes(flags.warehouse));
  if (warehouse === undefined)
    throw new CommandError(
      `no warehouse is called "${flags.warehouse}"`,
      1,
      `there are ${warehouses.map(({ code }) => code).join(', ')}`,
    );
  const order = await api.send<Detail>('POST', '/v1/work-orders', {
    warehouseId: warehouse.id,
    kind: flags.disassemble ? 'disassemble' : 'kit',
    sku,
    quantity: whole(quantity),
    components: flags.part.map(partOf),
    locationCode: flags.bin,
    reason: flags.reason,
  });
  say(order, flags, `work order ${order.id}`);
}

async function show(id: string, { dataDir, merchant, json }: Flags): Promise<void> {
  const order = await openApi(dataDir, merchant).get<Detail>(`/v1/work-orders/${id}`);
  if (json) return void process.stdout.write(`${JSON.stringify(order)}\n`);
  const steps = order.steps.map((step) => [
    String(step.number),
    String(step.units),
    step.scrap.map((broken) => `${broken.quantity} × ${broken.sku} (${broken.reason})`).join(', '),
    step.postedAt === null ? 'reported' : 'posted',
  ]);
  const parts = order.takeFrom.map((part) => [
    part.locationCode,
    part.sku,
    part.lotCode,
    String(part.quantity),
  ]);
  const state = order.blockedReason === null ? order.state : `${order.state}, ${order.blockedReason}`;
  process.stdout.write(`${order.kind} ${order.sku}: ${order.built} of ${order.planned}, ${state}\n`);
  if (steps.length > 0) process.stdout.write(`${table(steps, ['STEP', 'MADE', 'BROKE', 'BOOKS'])}\n`);
  if (parts.length > 0) process.stdout.write(`${table(parts, ['TAKE FROM', 'SKU', 'LOT', 'UNITS'])}\n`);
}

async function report(id: string, units: string, flags: ReportFlags): Promise<void> {
  const order = await openApi(flags.dataDir, flags.merchant).send<Detail>(
    'POST',
    `/v1/work-orders/${id}/steps`,
    { units: whole(units), scrap: flags.broke.map((part) => ({ ...partOf(part), reason: flags.why })) },
  );
  say(order, flags, `step ${order.steps.length} is reported`);
}

async function act(
  verb: 'finish' | 'cancel' | 'retry',
  id: string,
  flags: Flags & { readonly reason: string },
): Promise<void> {
  const api = openApi(flags.dataDir, flags.merchant);
  const order = await api.send<Detail>('POST', `/v1/work-orders/${id}/${verb}`, { reason: flags.reason });
  say(order, flags, `${verb} is asked for`);
}

function say(order: Detail, { json }: Flags, done: string): void {
  if (json) process.stdout.write(`${JSON.stringify(order)}\n`);
  else process.stdout.write(`${done}; ${order.built} of ${order.planned} are made\n`);
}

function partOf(text: string): { readonly sku: string; readonly quantity: number } {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new CommandError(`"${text}" is not sku=number`, 2);
  return { sku: text.slice(0, at), quantity: whole(text.slice(at + 1)) };
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new CommandError(`"${text}" is not a whole number`, 2);
  return value;
}
