/** `quayside warehouses`: which there are, and closing and opening one. */
import type { Command } from 'commander';
import type { z } from 'zod';
import type { closedWarehouseSchema, warehouseSchema } from '../contracts/organisation';
import { type ApiClient, openApi } from './api-client';
import { CommandError } from './command-error';
import { table } from './screen';

type Warehouse = z.output<typeof warehouseSchema>;
type Closed = z.output<typeof closedWarehouseSchema>;

interface Flags {
  readonly reason: string;
  readonly json?: boolean;
  readonly dataDir?: string;
}

export function register(program: Command): void {
  const warehouses = program
    .command('warehouses')
    .summary('list warehouses, close or open one')
    .option('--json', 'one array instead of a table')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((flags: Omit<Flags, 'reason'>) => list(flags));
  for (const [verb, summary] of [
    ['close', 'plan nothing more there, and plan again elsewhere what nobody has begun'],
    ['open', 'plan there again'],
  ] as const)
    warehouses
      .command(`${verb} <code>`)
      .summary(summary)
      .requiredOption('--reason <text>', 'why, for the audit log')
      .option('--json', 'one object as the API gives it')
      .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
      .action((code: string, _flags: unknown, command: Command) =>
        turn(verb, code, command.optsWithGlobals<Flags>()),
      );
}

async function list({ dataDir, json }: Omit<Flags, 'reason'>): Promise<void> {
  const found = await openApi(dataDir).list<Warehouse>('/v1/warehouses', {}, 1_000);
  if (json) {
    process.stdout.write(`${JSON.stringify(found)}\n`);
    return;
  }
  const rows = found.map((each) => [
    each.code,
    each.name,
    each.closedAt === null ? 'open' : `closed since ${each.closedAt.slice(0, 16).replace('T', ' ')}`,
    each.timeZone,
    each.ordersADay === null ? '' : String(each.ordersADay),
    each.unitsADay === null ? '' : String(each.unitsADay),
  ]);
  const titles = ['CODE', 'NAME', 'STATE (UTC)', 'TIME ZONE', 'ORDERS A DAY', 'UNITS A DAY'];
  process.stdout.write(rows.length === 0 ? 'no warehouses\n' : `${table(rows, titles)}\n`);
}

async function turn(verb: 'close' | 'open', code: string, { reason, json, dataDir }: Flags): Promise<void> {
  const api = openApi(dataDir);
  const id = await findWarehouse(api, code);
  const answer = await api.send<Warehouse | Closed>('POST', `/v1/warehouses/${id}/${verb}`, { reason });
  if (json) process.stdout.write(`${JSON.stringify(answer)}\n`);
  else if ('leaving' in answer)
    process.stdout.write(
      `closed; ${answer.leaving} fulfilment orders are planned again elsewhere, ${answer.staying} are finished there\n`,
    );
  else process.stdout.write('open; orders that wait for what lies there get it\n');
}

async function findWarehouse(api: ApiClient, code: string): Promise<string> {
  const found = await api.list<Warehouse>('/v1/warehouses', {}, 1_000);
  const match = found.find((each) => [each.code, each.id].includes(code));
  if (match === undefined)
    throw new CommandError(
      `no warehouse is called "${code}"`,
      1,
      `there are ${found.map((each) => each.code).join(', ')}`,
    );
  return match.id;
}
