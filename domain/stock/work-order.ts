/**
 * Kitting and its reverse, as arithmetic: what a step takes from the shelves, what it puts there and what
 * breaks on the way. For a kit the components go in and the kit comes out; broken components go in beyond
 * those that are in the kit. Taking apart is the reverse: what breaks is missing from what comes out.
 */
import { Failure } from '../failure-types';

export const WORK_ORDER_KINDS = ['kit', 'disassemble'] as const;
export type WorkOrderKind = (typeof WORK_ORDER_KINDS)[number];

export const WORK_ORDER_STATES = ['planned', 'reserved', 'in_progress', 'done', 'cancelled'] as const;
export type WorkOrderState = (typeof WORK_ORDER_STATES)[number];

/** Whether steps may be reported: its goods are set apart, and nobody has asked it to end. */
export const isWorkable = (state: WorkOrderState, ending: string | null) =>
  ending === null && (state === 'reserved' || state === 'in_progress');

export const hasEnded = (state: WorkOrderState) => state === 'done' || state === 'cancelled';

export interface Recipe {
  readonly kind: WorkOrderKind;
  /** The kit. */
  readonly productId: string;
  readonly components: readonly { readonly productId: string; readonly quantity: number }[];
}

export interface Scrapped {
  readonly productId: string;
  readonly quantity: number;
  readonly reason: string;
}

export interface StepUnits {
  /** Kits made or taken apart. */
  readonly units: number;
  readonly scrap: readonly Scrapped[];
}

export interface Units {
  readonly productId: string;
  readonly quantity: number;
}

export interface StepFlow {
  /** From the shelves into assembly. */
  readonly used: readonly Units[];
  /** From the shelves to nowhere: broken before they were in a kit. */
  readonly broken: readonly Units[];
  /** From assembly to the shelf. */
  readonly made: readonly Units[];
  /** From assembly to nowhere: broken when they came out of a kit. */
  readonly wasted: readonly Units[];
}

/** @throws Failure InvalidInput for scrap of what is no component, or of more than comes out. */
export function flowOf(recipe: Recipe, step: StepUnits): StepFlow {
  const scrapped = new Map<string, number>();
  for (const { productId, quantity } of step.scrap) {
    if (!recipe.components.some((component) => component.productId === productId))
      throw new Failure('InvalidInput', 'what broke is no component of the kit', { productId });
    scrapped.set(productId, (scrapped.get(productId) ?? 0) + quantity);
  }
  const broken = [...scrapped].map(([productId, quantity]) => ({ productId, quantity }));
  const kits = [{ productId: recipe.productId, quantity: step.units }];
  const parts = recipe.components.map(({ productId, quantity }) => ({
    productId,
    quantity: quantity * step.units,
  }));
  if (recipe.kind === 'kit') return some({ used: parts, broken, made: kits, wasted: [] });
  const left = parts.map(({ productId, quantity }) => {
    const rest = quantity - (scrapped.get(productId) ?? 0);
    if (rest < 0)
      throw new Failure('InvalidInput', 'more broke than comes out of that many kits', { productId });
    return { productId, quantity: rest };
  });
  return some({ used: kits, broken: [], made: left, wasted: broken });
}

function some(flow: StepFlow): StepFlow {
  const moving = (units: readonly Units[]) => units.filter(({ quantity }) => quantity > 0);
  return {
    used: moving(flow.used),
    broken: moving(flow.broken),
    made: moving(flow.made),
    wasted: moving(flow.wasted),
  };
}

/** What has to be set apart: for what is not made yet, and for what broke in steps that are not posted. */
export function needsOf(recipe: Recipe, unitsLeft: number, unposted: readonly StepUnits[]): readonly Units[] {
  const needs = new Map<string, number>();
  const add = ({ productId, quantity }: Units) =>
    needs.set(productId, (needs.get(productId) ?? 0) + quantity);
  for (const each of flowOf(recipe, { units: unitsLeft, scrap: [] }).used) add(each);
  for (const step of unposted) for (const each of flowOf(recipe, step).broken) add(each);
  return [...needs]
    .map(([productId, quantity]) => ({ productId, quantity }))
    .filter(({ quantity }) => quantity > 0);
}
