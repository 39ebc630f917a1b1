/** An engine's answers in the words of the model. */
import type { HoldOutcome } from '../../domain/stock/decide-holds';
import { SKUS, type Sku, type Told, type Units } from './commands';

export const entries = (units: Units): (readonly [Sku, number])[] =>
  SKUS.flatMap((sku) => (units[sku] ? [[sku, units[sku]] as const] : []));

export function toldOf(outcome: HoldOutcome, skuOf: (productId: string) => Sku): Told {
  switch (outcome.kind) {
    case 'reserved': {
      const units: Partial<Record<Sku, number>> = {};
      for (const { productId, quantity } of outcome.units)
        units[skuOf(productId)] = quantity + (units[skuOf(productId)] ?? 0);
      return { told: 'reserved', units };
    }
    case 'ended':
    case 'unchanged':
      return { told: outcome.kind, state: outcome.state };
    case 'short':
      return { told: 'short' };
    default:
      throw new Error(`nobody asks for what is ${outcome.kind}`);
  }
}
