/** What a person does about an order from the command line: look again, or cancel. Both are audited. */
import type { Command } from 'commander';
import { openApi } from './api-client';

interface ActionFlags {
  readonly reason: string;
  readonly dataDir?: string;
}

const ACTIONS = {
  retry: {
    summary: 'have an order look again at what it waits for',
    said: 'the order looks again',
  },
  cancel: {
    summary: 'cancel an order that the floor has not begun',
    said: 'cancelled; everything that it held is free',
  },
} as const;

export function registerOrderActions(orders: Command): void {
  for (const [action, { summary, said }] of Object.entries(ACTIONS)) {
    orders
      .command(`${action} <id>`)
      .summary(summary)
      .requiredOption('--reason <text>', 'why, for the audit log', 'asked for on the command line')
      .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
      .action(async (id: string, _flags: unknown, command: Command) => {
        const { reason, dataDir } = command.optsWithGlobals<ActionFlags>();
        await openApi(dataDir).send('POST', `/v1/orders/${encodeURIComponent(id)}/${action}`, { reason });
        process.stdout.write(`${said}\n`);
      });
  }
}
