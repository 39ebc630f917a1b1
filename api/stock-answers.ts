/** What the routes that change stock share: whom a warehouse serves, and what a body names that is not there. */
import { z } from 'zod';
import { findWarehouse } from '../db/warehouse.repo';
import { isFailure } from '../domain/failure-types';
import { ProblemError } from './problem';
import type { RouteContext } from './route';

/** As many as fit into an address of 8 KiB, the least that servers and proxies take. */
const MOST_SKUS = 200;
/** Query parameter `sku`, once or repeated. */
export const skuSet = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [...new Set([given].flat())])
  .pipe(z.array(z.string().min(1).max(120)).min(1).max(MOST_SKUS));

/**
 * One that serves others only must read like one that does not exist.
 * @throws ProblemError invalid-reference.
 */
export async function requireServed(
  { transaction, caller, merchantId }: RouteContext,
  warehouseId: string,
  pointer: string,
): Promise<void> {
  const served = await transaction((tx) =>
    findWarehouse(tx, caller.organisationId, [merchantId], warehouseId),
  );
  if (served === null) throw notThere(pointer, 'no such warehouse serves the merchant');
}

/** The thing itself was found; what its lines name was not. */
export async function withReferences<T>(pointer: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isFailure(error, 'NotFound')) throw notThere(pointer, error.message);
    throw error;
  }
}

export function notThere(pointer: string, message: string): ProblemError {
  return new ProblemError('invalid-reference', { errors: [{ pointer, message }] });
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without the keys that were left out: a command tells "left out" from "undefined". */
export function defined<T extends object>(given: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<
    Defined<T>
  >;
}
