/**
 * What the simulated shop has of its items, by item and location. It takes any item that nobody deleted:
 * the first quantity it is given makes the item. A sender's quantities are taken all or none, and each
 * against the one that the sender believes to replace. The shop tells of changes that were made in it.
 */
import type { Express, Request } from 'express';
import { z } from 'zod';
import type { SimulatorContext } from '../simulator-server';

export interface Item {
  readonly itemId: string;
  readonly locationId: string;
}

export interface Level extends Item {
  readonly quantity: number;
}

interface QuantityToSet extends Level {
  readonly changeFromQuantity: number | null;
}

export type Refusal = { readonly gone: readonly Item[] } | { readonly stale: readonly Item[] };

export class ShopStock {
  constructor(
    private readonly context: SimulatorContext,
    private readonly onChange: (level: Level) => void,
  ) {}

  /** null for an item that was deleted, or never was. */
  of(item: Item): number | null {
    return this.context.memory.get<Level>('level', keyOf(item))?.quantity ?? null;
  }

  levels(): Level[] {
    return this.context.memory.list<Level>('level');
  }

  /** Somebody in the shop changes it, or a customer buys. */
  change(level: Level): void {
    this.context.memory.put('level', keyOf(level), level);
    this.onChange(level);
  }

  /** A customer buys: the item that is called like the SKU has less wherever it lies first. */
  sell(sku: string, quantity: number): void {
    const level = this.levels().find(({ itemId }) => itemId === sku);
    if (level !== undefined) this.change({ ...level, quantity: level.quantity - quantity });
  }

  remove(itemId: string): void {
    this.context.memory.put('deleted', itemId, true);
    for (const level of this.levels()) {
      if (level.itemId === itemId) this.context.memory.remove('level', keyOf(level));
    }
  }

  /** null when they were set. */
  set(quantities: readonly QuantityToSet[]): Refusal | null {
    const { memory } = this.context;
    const gone = quantities.filter(({ itemId }) => memory.get('deleted', itemId) !== undefined);
    if (gone.length > 0) return { gone: gone.map(itemOf) };
    const stale = quantities.filter(
      (one) => one.changeFromQuantity !== null && (this.of(one) ?? 0) !== one.changeFromQuantity,
    );
    if (stale.length > 0) return { stale: stale.map(itemOf) };
    for (const { itemId, locationId, quantity } of quantities)
      memory.put('level', keyOf({ itemId, locationId }), { itemId, locationId, quantity });
    return null;
  }
}

const keyOf = ({ itemId, locationId }: Item) => `${itemId}|${locationId}`;
const itemOf = ({ itemId, locationId }: Item): Item => ({ itemId, locationId });

const levelsSchema = z.strictObject({
  levels: z.array(z.strictObject({ itemId: z.string().min(1), locationId: z.string(), quantity: z.int() })),
});

export function stockRoutes(app: Express, stock: ShopStock): void {
  app.get('/__shop/levels', (_req, res) => void res.json({ levels: stock.levels() }));
  app.put('/__shop/levels', (req, res) => {
    for (const level of levelsSchema.parse(req.body).levels) stock.change(level);
    res.json({ levels: stock.levels() });
  });
  app.delete('/__shop/items/:id', (req: Request<{ id: string }>, res) => {
    stock.remove(req.params.id);
    res.status(204).end();
  });
}
