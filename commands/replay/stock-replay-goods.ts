/**
 * Catalogue and opening stock of a replayed merchant, from the codes in the file. Goods are products with
 * made-up sizes, each in one bin. Opening stock is posted once a product: what has any is left as it is,
 * so that a second replay, or a longer one, adds only what is new.
 */
import { createHash } from 'node:crypto';
import type { Database } from '../../db/client';
import { insertRows } from '../../db/insert-rows';
import { readUnopenedProducts } from '../../db/replay.repo';
import { makeUpGoods } from '../../domain/retail/make-up';
import type { RetailInvoice } from '../../domain/retail/online-retail';
import { adjustStock } from '../stock/adjust-stock';
import type { ReplayMerchant } from './open-replay-merchant';
import { REPLAY_SOURCE } from './open-replay-merchant';
import { replayId, replayPlaceId } from './replay-ids';

/** More than the whole file sells of anything, and far from what an integer holds. */
export const AMPLE_UNITS = 1_000_000;
/** A statement takes 65,535 parameters; a posting of so many lines takes well under a second. */
const AT_ONCE = 500;

export interface ReplayGoods {
  readonly code: string;
  readonly name: string;
  /** Half of what it was first sold for, since the file tells no cost. */
  readonly unitCostPence: bigint;
}

/** Every code of goods in the file, by its first description and price. */
export function replayGoods(invoices: readonly RetailInvoice[]): ReplayGoods[] {
  const goods = new Map<string, { name: string; price: bigint }>();
  for (const { lines } of invoices) {
    for (const { code, description, isGoods, unitPricePence } of lines) {
      if (!isGoods) continue;
      const known = goods.get(code);
      if (known === undefined) goods.set(code, { name: description, price: unitPricePence });
      else {
        known.name ||= description;
        known.price ||= unitPricePence;
      }
    }
  }
  return [...goods].map(([code, { name, price }]) => ({
    code,
    name: name || `Demo goods ${code}`,
    unitCostPence: price > 0n ? price / 2n : 0n,
  }));
}

export interface StockReplayGoods {
  readonly goods: readonly ReplayGoods[];
  /** Units of each product. */
  readonly openingUnits: number;
  /** Business time of the opening. */
  readonly at: string;
  readonly onProgress?: (done: number, total: number) => void;
}

/** @returns how many products got their opening stock now. */
export async function stockReplayGoods(
  database: Database,
  merchant: ReplayMerchant,
  { goods, openingUnits, at, onProgress }: StockReplayGoods,
): Promise<number> {
  const { merchantId } = merchant;
  for (let start = 0; start < goods.length; start += AT_ONCE) {
    const rows = goods.slice(start, start + AT_ONCE).map((one) => productRow(merchant, one));
    await database.withMerchants([merchantId], (tx) => insertRows(tx, 'product', PRODUCT_COLUMNS, rows));
  }
  if (openingUnits === 0) return 0;
  const skus = goods.map(({ code }) => code);
  const unopened = await database.withMerchants([merchantId], (tx) =>
    readUnopenedProducts(tx, merchantId, skus),
  );
  for (let start = 0; start < unopened.length; start += AT_ONCE) {
    const part = unopened.slice(start, start + AT_ONCE);
    const digest = createHash('sha256').update(JSON.stringify(part)).digest('hex').slice(0, 16);
    await adjustStock(database, {
      merchantId,
      causeId: `${REPLAY_SOURCE}:opening:${digest}`,
      kind: 'opening',
      warehouseId: merchant.warehouseId,
      reason: 'opening stock of the replay',
      actor: 'replay',
      occurredAt: new Date(at),
      lines: part.map((sku) => ({ sku, locationCode: binOf(merchant, sku), delta: openingUnits })),
    });
    onProgress?.(start + part.length, unopened.length);
  }
  return unopened.length;
}

const PRODUCT_COLUMNS = [
  'id',
  'merchant_id',
  'sku',
  'name',
  'weight_grams',
  'length_mm',
  'width_mm',
  'height_mm',
  'unit_cost_minor',
];

function productRow({ organisationId, merchantId }: ReplayMerchant, one: ReplayGoods): unknown[] {
  const { weightGrams, lengthMm, widthMm, heightMm } = makeUpGoods(one.code);
  const cost = one.unitCostPence.toString();
  const id = replayId(organisationId, `product ${one.code}`);
  return [id, merchantId, one.code, one.name, weightGrams, lengthMm, widthMm, heightMm, cost];
}

/** Id of the bin where these goods are put, at the opening and when they come back. */
export function shelfOf(merchant: ReplayMerchant, sku: string): string {
  return replayPlaceId(merchant.organisationId, binOf(merchant, sku));
}

/** The same bin for a code whatever else is in the file. */
function binOf({ binCodes }: ReplayMerchant, sku: string): string {
  const number = createHash('sha256').update(sku).digest().readUInt32BE(0);
  return binCodes[number % binCodes.length] as string;
}
