/**
 * Shopify's price of a query and the bucket it is paid from. A query is judged by what it could return
 * (`requestedQueryCost`, at most 1,000 for one query) and charged what it did (`actualQueryCost`). An
 * object counts 1, a connection 2 and `first` times its nodes, a mutation 10. Source: Shopify, "GraphQL
 * Admin API rate limits"; the refunds to the bucket are immediate here.
 */

import type { Operation, Selection } from './graphql-document';
import type { Args } from './graphql-execute';

export const MOST_FOR_ONE_QUERY = 1_000;
const MUTATION_COST = 10;
/** Shopify's buckets hold what flows in during this many seconds. */
const BUCKET_SECONDS = 20;

export function requestedCost(operation: Operation, variables: Args): number {
  const cost = (selection: Selection): number => {
    if (selection.selections.length === 0) return 0;
    const each = () => selection.selections.reduce((sum, child) => sum + cost(child), 0);
    if (selection.on !== undefined) return each();
    const ids = selection.args.find(([name]) => name === 'ids')?.[1];
    if (ids?.kind === 'variable') return lengthOf(variables[ids.name]) * (1 + each());
    const first = selection.args.find(([name]) => name === 'first')?.[1];
    // Paging information is what the 2 of a connection pays for.
    const inner = selection.selections
      .filter(({ name }) => first === undefined || name !== 'pageInfo')
      .reduce((sum, child) => sum + cost(child), 0);
    if (first === undefined) return 1 + inner;
    const asked =
      first.kind === 'variable' ? variables[first.name] : first.kind === 'value' ? first.value : 0;
    return 2 + Number(asked ?? 0) * inner;
  };
  const whole = operation.selections.reduce((sum, selection) => sum + cost(selection), 0);
  return operation.kind === 'mutation' ? Math.max(MUTATION_COST, whole) : whole;
}

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 1;
}

export function actualCost(operation: Operation, data: unknown): number {
  const objects = (value: unknown): number => {
    if (typeof value !== 'object' || value === null) return 0;
    const inner = Object.values(value).reduce((sum: number, child) => sum + objects(child), 0);
    return Array.isArray(value) ? inner : 1 + inner;
  };
  // The outermost object is the answer itself.
  const whole = objects(data) - 1;
  return operation.kind === 'mutation' ? Math.max(MUTATION_COST, whole) : whole;
}

export class CostBucket {
  private available: number;
  private readonly maximum: number;
  private filledAt: number;

  constructor(
    private readonly pointsPerSecond: number,
    private readonly clock: () => Date,
  ) {
    this.maximum = pointsPerSecond * BUCKET_SECONDS;
    this.available = this.maximum;
    this.filledAt = clock().getTime();
  }

  /** Whether a query of this requested cost may run now. */
  admits(requested: number): boolean {
    this.refill();
    return requested <= this.available;
  }

  charge(actual: number): void {
    this.refill();
    this.available -= actual;
  }

  /** `extensions.cost` of an answer; `actual` is null for a throttled one. */
  report(requestedQueryCost: number, actualQueryCost: number | null, currentlyAvailable = this.available) {
    return {
      requestedQueryCost,
      actualQueryCost,
      throttleStatus: {
        maximumAvailable: this.maximum,
        currentlyAvailable: Math.floor(currentlyAvailable),
        restoreRate: this.pointsPerSecond,
      },
    };
  }

  private refill(): void {
    const now = this.clock().getTime();
    const restored = ((now - this.filledAt) / 1000) * this.pointsPerSecond;
    this.available = Math.min(this.maximum, this.available + Math.max(0, restored));
    this.filledAt = now;
  }
}
