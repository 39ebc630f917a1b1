/** `quayside stuck`: what waits for somebody, grouped by what would free it. */
import type { Command } from 'commander';
import type { z } from 'zod';
import type { exceptionGroupSchema, exceptionSchema } from '../contracts/orders';
import { openApi } from './api-client';
import { STUCK_QUERY, workflowListUrl } from './links';

type Group = z.output<typeof exceptionGroupSchema>;
type StuckThing = z.output<typeof exceptionSchema>;

/** Ids of one group that are listed; a group of 400 is freed by one act, not by reading 400 ids. */
const SHOWN_IDS = 5;

interface Flags {
  readonly reason?: string;
  readonly json?: boolean;
  readonly dataDir?: string;
}

export function register(program: Command): void {
  program
    .command('stuck')
    .summary('what waits for somebody, by cause')
    .description(
      'Lists open exceptions grouped by what they share, the oldest first, with who owns them, what frees them and links into the Temporal UI.',
    )
    .option('--reason <reason>', 'only this one, e.g. out_of_stock')
    .option('--json', 'one array of groups instead of text')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((flags: Flags) => stuck(flags));
}

async function stuck(flags: Flags): Promise<void> {
  const api = openApi(flags.dataDir);
  const query = { reason: flags.reason };
  const groups = await api.list<Group>('/v1/exception-groups', query, 1_000);
  const things = await api.list<StuckThing>('/v1/exceptions', query, 5_000);
  const ui = api.running?.temporalUiUrl ?? null;
  const namespace = api.running?.temporalNamespace ?? 'default';
  const linkOf = (reason: string): string | null =>
    ui === null ? null : workflowListUrl(ui, namespace, `BlockedReason = "${reason}"`);
  const shown = groups.map((group) => ({
    ...group,
    orderIds: things
      .filter((thing) => thing.cause === group.cause && thing.merchantId === group.merchantId)
      .flatMap(({ orderId }) => orderId ?? []),
    temporalUrl: linkOf(group.reason),
  }));
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(shown)}\n`);
    return;
  }
  if (shown.length === 0) {
    process.stdout.write('nothing is stuck\n');
    return;
  }
  const texts = shown.map((group) => {
    const ids = group.orderIds.slice(0, SHOWN_IDS);
    const more = group.orderIds.length - ids.length;
    const lines = [
      `${group.count} × ${group.cause}`,
      `    ${group.message}`,
      `    ${group.resumes}`,
      `    owner: ${group.owner}, since ${group.oldestAt}${group.deadlineAt === null ? '' : `, due ${group.deadlineAt}`}`,
    ];
    if (ids.length > 0) lines.push(`    orders: ${ids.join(', ')}${more > 0 ? ` and ${more} more` : ''}`);
    if (group.temporalUrl !== null) lines.push(`    ${group.temporalUrl}`);
    return lines.join('\n');
  });
  if (ui !== null) texts.push(`all of them: ${workflowListUrl(ui, namespace, STUCK_QUERY)}`);
  process.stdout.write(`${texts.join('\n\n')}\n`);
}
