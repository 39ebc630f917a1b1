/**
 * Setting and reading what the shop may sell. Each quantity names the one it replaces; when the shop has another
 * (it sold something meanwhile), the whole call is refused as StaleQuantity and nothing is written: the
 * caller reads again and decides anew. The key makes a repetition after a lost answer return the first
 * outcome instead of a false "stale".
 */
import { z } from 'zod';
import { Failure, type FailureType } from '../../../domain/failure-types';
import { groupBy } from '../../../domain/group-by';
import type { ChannelAccount, FoundQuantity, QuantityProblem, QuantityUpdate } from '../port';
import { callAdminApi } from './admin-api';
import { READ_QUANTITIES, SET_QUANTITIES } from './documents';
import { globalId, plainId } from './global-ids';

/** Shopify's limit for the list of one input, and for the ids of one `nodes` (250 entries each). */
export const MOST_IN_ONE_CALL = 250;

const USER_ERRORS: Readonly<Record<string, FailureType>> = {
  CHANGE_FROM_QUANTITY_STALE: 'StaleQuantity',
  INVALID_INVENTORY_ITEM: 'ListingGone',
  INVALID_LOCATION: 'ListingGone',
  ITEM_NOT_STOCKED_AT_LOCATION: 'ListingGone',
  IDEMPOTENCY_CONCURRENT_REQUEST: 'PartnerOutcomeUnknown',
};
const PROBLEMS: Readonly<Partial<Record<FailureType, QuantityProblem['problem']>>> = {
  StaleQuantity: 'stale',
  ListingGone: 'gone',
};

const shape = z.object({
  inventorySetQuantities: z.object({
    userErrors: z.array(
      z.object({ field: z.array(z.string()).nullable(), message: z.string(), code: z.string().nullable() }),
    ),
  }),
});

/** @param key step key; parts of more than one call get a key each, always the same. */
export async function setShopifyQuantities(
  account: ChannelAccount,
  updates: readonly QuantityUpdate[],
  key: string,
): Promise<void> {
  for (let start = 0; start < updates.length; start += MOST_IN_ONE_CALL) {
    const part = updates.slice(start, start + MOST_IN_ONE_CALL);
    await setPart(account, part, start === 0 ? key : `${key}+${start}`);
  }
}

async function setPart(
  account: ChannelAccount,
  updates: readonly QuantityUpdate[],
  key: string,
): Promise<void> {
  const { inventorySetQuantities: result } = await callAdminApi(account, {
    document: SET_QUANTITIES,
    variables: {
      key,
      input: {
        name: 'available',
        reason: 'correction',
        referenceDocumentUri: `quayside://step/${encodeURIComponent(key)}`,
        quantities: updates.map((update) => ({
          inventoryItemId: globalId('InventoryItem', update.externalInventoryItemId),
          locationId: globalId('Location', update.externalLocationId),
          quantity: update.quantity,
          changeFromQuantity: update.changeFromQuantity,
        })),
      },
    },
    shape,
    write: true,
  });
  const [error] = result.userErrors;
  if (error === undefined) return;
  const items = result.userErrors.flatMap(({ field, message, code }): QuantityProblem[] => {
    const update = updates[Number(field?.[2])];
    if (update === undefined) return [];
    const { externalInventoryItemId, externalLocationId } = update;
    const problem = PROBLEMS[USER_ERRORS[code ?? ''] ?? 'PartnerRejected'] ?? 'rejected';
    return [{ externalInventoryItemId, externalLocationId, problem, message }];
  });
  const type = USER_ERRORS[error.code ?? ''] ?? 'PartnerRejected';
  throw new Failure(type, `Shopify did not set the quantities: ${error.message}`, {
    code: error.code,
    items,
  });
}

const levelSchema = z.object({
  nodes: z.array(
    z
      .object({
        id: z.string(),
        inventoryLevel: z.object({ quantities: z.array(z.object({ quantity: z.int() })) }).nullable(),
      })
      .nullable(),
  ),
});

/** What the shop has available; an item that is gone, or not stocked at the location, has no quantity. */
export async function readShopifyQuantities(
  account: ChannelAccount,
  items: readonly Omit<FoundQuantity, 'quantity'>[],
): Promise<FoundQuantity[]> {
  const found: FoundQuantity[] = [];
  for (const [externalLocationId, here] of groupBy(items, (item) => item.externalLocationId)) {
    for (let start = 0; start < here.length; start += MOST_IN_ONE_CALL) {
      const part = here.slice(start, start + MOST_IN_ONE_CALL);
      const { nodes } = await callAdminApi(account, {
        document: READ_QUANTITIES,
        variables: {
          ids: part.map((item) => globalId('InventoryItem', item.externalInventoryItemId)),
          location: globalId('Location', externalLocationId),
        },
        shape: levelSchema,
        write: false,
      });
      const quantities = new Map(
        nodes.flatMap((node) => {
          const quantity = node?.inventoryLevel?.quantities[0]?.quantity;
          return node === null || quantity === undefined ? [] : [[plainId(node.id), quantity] as const];
        }),
      );
      for (const { externalInventoryItemId } of part) {
        const quantity = quantities.get(plainId(externalInventoryItemId)) ?? null;
        found.push({ externalInventoryItemId, externalLocationId, quantity });
      }
    }
  }
  return found;
}
