/**
 * Setting what the shop may sell. Each quantity names the one it replaces; when the shop has another
 * (it sold something meanwhile), the whole call is refused as StaleQuantity and nothing is written: the
 * caller reads again and decides anew. The key makes a repetition after a lost answer return the first
 * outcome instead of a false "stale".
 */
import { z } from 'zod';
import { Failure, type FailureType } from '../../../domain/failure-types';
import type { ChannelAccount, QuantityUpdate } from '../port';
import { callAdminApi } from './admin-api';
import { SET_QUANTITIES } from './documents';
import { globalId } from './global-ids';

/** Shopify's limit for the list of one input (250 entries). */
const MOST_IN_ONE_CALL = 250;

const USER_ERRORS: Readonly<Record<string, FailureType>> = {
  CHANGE_FROM_QUANTITY_STALE: 'StaleQuantity',
  INVALID_INVENTORY_ITEM: 'ListingGone',
  ITEM_NOT_STOCKED_AT_LOCATION: 'ListingGone',
  IDEMPOTENCY_CONCURRENT_REQUEST: 'PartnerOutcomeUnknown',
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
  const items = result.userErrors.map(({ field, message, code }) => {
    const update = updates[Number(field?.[2])];
    return { externalInventoryItemId: update?.externalInventoryItemId ?? null, code, message };
  });
  const type = USER_ERRORS[error.code ?? ''] ?? 'PartnerRejected';
  throw new Failure(type, `Shopify did not set the quantities: ${error.message}`, {
    code: error.code,
    items,
  });
}
