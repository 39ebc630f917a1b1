/**
 * Stock of a few SKUs as it changes: on a terminal a table that is rewritten, elsewhere a line a change.
 * What is shown is the API's stream; when the server goes away for a moment it goes on where it was.
 */
import type { z } from 'zod';
import type { stockLevelSchema } from '../../contracts/stock';
import type { ApiClient } from '../api-client';
import { table } from '../screen';

type Level = z.output<typeof stockLevelSchema>;

const HEADER = ['SKU', 'WAREHOUSE', 'ON-HAND', 'HELD', 'RESERVED', 'AVAILABLE', 'CHANGED'];
/** Clears from the cursor to the end of the screen, after going up so many lines. */
const rewind = (lines: number) => (lines > 0 ? `\u001b[${lines}A\u001b[J` : '');

/** Until Ctrl-C. */
export async function watchStock(api: ApiClient, skus: readonly string[], json: boolean): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const board = new Board(process.stdout.isTTY && !json);
  await Promise.all(
    skus.map(async (sku) => {
      const path = `/v1/stock/stream?sku=${encodeURIComponent(sku)}`;
      for await (const { event, data } of api.events<Level>(path, stop.signal)) {
        if (event !== 'stock') continue;
        if (json) process.stdout.write(`${JSON.stringify(data)}\n`);
        else board.show(data);
      }
    }),
  );
}

class Board {
  private readonly rows = new Map<string, readonly string[]>();
  private drawn = 0;

  constructor(private readonly terminal: boolean) {}

  show(level: Level): void {
    const time = new Date().toTimeString().slice(0, 8);
    const { sku, warehouseCode, onHand, held, reserved, available } = level;
    const row = [sku, warehouseCode, ...[onHand, held, reserved, available].map(String), time];
    if (!this.terminal) {
      process.stdout.write(
        `${time}  ${sku} ${warehouseCode}: ${available} available (${onHand} on hand, ${held} held, ${reserved} reserved)\n`,
      );
      return;
    }
    this.rows.set(`${sku} ${warehouseCode}`, row);
    const text = table([...this.rows.values()], HEADER);
    process.stdout.write(`${rewind(this.drawn)}${text}\n`);
    this.drawn = text.split('\n').length;
  }
}
