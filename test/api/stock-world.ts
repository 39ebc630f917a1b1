/** Stock routes of the sweep, and a thing in the right state for each of them. */
import { randomUUID } from 'node:crypto';
import { adjustStock } from '../../commands/stock/adjust-stock';
import { holdLot } from '../../commands/stock/hold-lot';
import { Holds } from '../../commands/stock/holds';
import { requestAdjustment } from '../../commands/stock/request-adjustment';
import { dispatchTransfer, requestTransfer } from '../../commands/stock/transfer';
import type { Database } from '../../db/client';
import { rowsOf } from '../support/floor-steps';
import type { SeededMerchant } from '../support/merchant';

export const STOCK_THINGS = [
  'otherWarehouseId',
  'adjustmentId',
  'adjustmentToApprove',
  'adjustmentToReject',
  'transferId',
  'transferToDispatch',
  'transferToReceive',
  'transferToClose',
  'shelfLifeRuleId',
  'promotionId',
  'alertId',
  'alertRuleId',
  'holdId',
  'holdToRelease',
  'holdToHandOver',
] as const;
export type StockWorld = Readonly<
  Record<(typeof STOCK_THINGS)[number] | 'warehouseId' | 'productId' | 'connectionId' | 'sku', string>
>;

/** Lots of the seeded product. */
const [PLAIN, TO_RECALL, TO_LIFT, TO_DATE] = ['L-PLAIN', 'L-RECALL', 'L-LIFT', 'L-DATE'];

const RATES = {
  storagePerCubicMetreMinor: '4500',
  storagePerUnitMinor: '20',
  insuranceBasisPoints: 50,
  capitalBasisPoints: 800,
  obsolescenceBasisPoints: 300,
};

export const STOCK_ROUTES: Readonly<
  Record<string, (w: StockWorld) => { readonly path: string; readonly body?: unknown }>
> = {
  listStock: () => ({ path: '/v1/stock' }),
  getStockLevels: (w) => ({ path: `/v1/stock/levels?sku=${w.sku}&sku=${w.sku}` }),
  getStockAsOf: (w) => ({ path: `/v1/stock/as-of?sku=${w.sku}&at=2026-03-03T12:00:00Z` }),
  listSerials: (w) => ({ path: `/v1/stock/${w.sku}/serials` }),
  listStockLedger: (w) => ({ path: `/v1/stock/${w.sku}/ledger` }),
  adjustStock: (w) => ({
    path: '/v1/stock/adjustments',
    body: {
      warehouseId: w.warehouseId,
      reason: 'count',
      reasonCode: 'counted',
      lines: [{ productId: w.productId, locationCode: 'A-01-01', delta: 1 }],
    },
  }),
  listStockAdjustments: () => ({ path: '/v1/stock/adjustments' }),
  getStockAdjustment: (w) => ({ path: `/v1/stock/adjustments/${w.adjustmentId}` }),
  approveStockAdjustment: (w) => ({
    path: `/v1/stock/adjustments/${w.adjustmentToApprove}/approve`,
    body: { reason: 'seen' },
  }),
  rejectStockAdjustment: (w) => ({
    path: `/v1/stock/adjustments/${w.adjustmentToReject}/reject`,
    body: { reason: 'no' },
  }),
  createStockHold: (w) => ({
    path: '/v1/stock/holds',
    body: { lines: [{ sku: w.sku, quantity: 1, warehouseId: w.warehouseId }] },
  }),
  getStockHold: (w) => ({ path: `/v1/stock/holds/${w.holdId}` }),
  releaseStockHold: (w) => ({ path: `/v1/stock/holds/${w.holdToRelease}/release` }),
  handOverStockHold: (w) => ({ path: `/v1/stock/holds/${w.holdToHandOver}/hand-over` }),
  moveStock: (w) => ({
    path: '/v1/stock/moves',
    body: {
      warehouseId: w.warehouseId,
      reason: 'tidied',
      lines: [
        { productId: w.productId, quantity: 1, fromLocationCode: 'A-01-01', toLocationCode: 'A-01-02' },
      ],
    },
  }),
  createTransfer: (w) => ({
    path: '/v1/transfers',
    body: {
      fromWarehouseId: w.warehouseId,
      toWarehouseId: w.otherWarehouseId,
      reason: 'rebalance',
      lines: [{ productId: w.productId, quantity: 1 }],
    },
  }),
  listTransfers: () => ({ path: '/v1/transfers' }),
  getTransfer: (w) => ({ path: `/v1/transfers/${w.transferId}` }),
  dispatchTransfer: (w) => ({
    path: `/v1/transfers/${w.transferToDispatch}/dispatch`,
    body: { lines: [{ productId: w.productId, quantity: 1, fromLocationCode: 'A-01-01' }] },
  }),
  receiveTransfer: (w) => ({
    path: `/v1/transfers/${w.transferToReceive}/receive`,
    body: { lines: [{ productId: w.productId, quantity: 1 }] },
  }),
  closeTransfer: (w) => ({ path: `/v1/transfers/${w.transferToClose}/close`, body: { reason: 'done' } }),
  listLots: () => ({ path: '/v1/lots?held=false' }),
  listLotOrders: (w) => ({ path: `/v1/lots/orders?sku=${w.sku}&lotCode=${PLAIN}` }),
  recallLot: (w) => ({
    path: '/v1/lots/recall',
    body: { productId: w.productId, lotCode: TO_RECALL, reason: 'unsafe' },
  }),
  liftLotRecall: (w) => ({
    path: '/v1/lots/lift',
    body: { productId: w.productId, lotCode: TO_LIFT, reason: 'safe' },
  }),
  correctLotDate: (w) => ({
    path: '/v1/lots/date',
    body: { productId: w.productId, lotCode: TO_DATE, expiresOn: '2031-01-01', reason: 'misread' },
  }),
  getStockVelocity: (w) => ({ path: `/v1/stock/velocity?sku=${w.sku}` }),
  listSlowMovers: () => ({ path: '/v1/stock/slow-movers' }),
  getStockValuation: () => ({ path: '/v1/stock/valuation?method=average' }),
  getCarryingCost: () => ({ path: '/v1/stock/carrying-cost' }),
  getCarryingRates: () => ({ path: '/v1/stock/carrying-rates' }),
  setCarryingRates: () => ({ path: '/v1/stock/carrying-rates', body: RATES }),
  listPromotions: () => ({ path: '/v1/stock/promotions' }),
  createPromotion: (w) => ({
    path: '/v1/stock/promotions',
    body: { name: 'Demo sale', sku: w.sku, from: '2026-03-01', to: '2026-03-03' },
  }),
  deletePromotion: (w) => ({ path: `/v1/stock/promotions/${w.promotionId}` }),
  listStockAlerts: () => ({ path: '/v1/stock/alerts' }),
  getStockAlert: (w) => ({ path: `/v1/stock/alerts/${w.alertId}` }),
  followUpStockAlert: (w) => ({
    path: `/v1/stock/alerts/${w.alertId}/follow-ups`,
    body: { action: 'expedite_po' },
  }),
  listStockFollowUps: () => ({ path: '/v1/stock/follow-ups' }),
  listStockAlertRules: () => ({ path: '/v1/stock/alert-rules' }),
  createStockAlertRule: (w) => ({
    path: '/v1/stock/alert-rules',
    body: {
      name: 'Demo rule',
      sku: w.sku,
      limitKind: 'units',
      atMost: 5,
      destinations: [{ kind: 'mail', to: 'buyer@merchant.example' }],
    },
  }),
  deleteStockAlertRule: (w) => ({ path: `/v1/stock/alert-rules/${w.alertRuleId}` }),
  listShelfLifeRules: () => ({ path: '/v1/shelf-life-rules' }),
  createShelfLifeRule: (w) => ({
    path: '/v1/shelf-life-rules',
    body: { connectionId: w.connectionId, productId: w.productId, minDays: 3 },
  }),
  deleteShelfLifeRule: (w) => ({ path: `/v1/shelf-life-rules/${w.shelfLifeRuleId}` }),
};

/** What the stock routes act on. The merchant has two warehouses and stock of the SKU in the first one. */
export async function makeStockWorld(database: Database, merchant: SeededMerchant, sku: string) {
  const { merchantId } = merchant;
  const [here = '', there = ''] = merchant.warehouses.map(({ id }) => id);
  await adjustStock(database, {
    merchantId,
    causeId: randomUUID(),
    kind: 'opening',
    warehouseId: here,
    reason: 'lots',
    actor: 'test',
    lines: [PLAIN, TO_RECALL, TO_LIFT, TO_DATE].map((lotCode) => ({
      sku,
      lotCode: lotCode as string,
      locationCode: 'A-01-03',
      delta: 5,
    })),
  });
  const productId = merchant.products.get(sku) as string;
  await holdLot(database, {
    merchantId,
    productId,
    lotCode: TO_LIFT as string,
    kind: 'recall',
    reason: 'unsafe',
    actor: 'test',
  });
  const [rule] = await rowsOf<{ id: string }>(
    database,
    merchant,
    'insert into shelf_life_rule (id, merchant_id, min_days) values ($1, $2, 1) returning id',
    [randomUUID(), merchantId],
  );
  const [promotion] = await rowsOf<{ id: string }>(
    database,
    merchant,
    "insert into promotion (id, merchant_id, name, from_day, to_day) values ($1, $2, 'Demo', '2026-01-01', '2026-01-02') returning id",
    [randomUUID(), merchantId],
  );
  const alertRule = async () => {
    const [row] = await rowsOf<{ id: string }>(
      database,
      merchant,
      `insert into stock_alert_rule (id, merchant_id, name, limit_kind, at_most, window_days, clear_after_minutes, tells_webhooks,
        owner) values ($1, $2, 'Demo rule', 'units', 5, 28, 15, true, 'purchasing') returning id`,
      [randomUUID(), merchantId],
    );
    return row?.id as string;
  };
  const [alert] = await rowsOf<{ id: string }>(
    database,
    merchant,
    `insert into stock_alert (id, merchant_id, rule_id, product_id, level, shipped, counted_days, window_from, window_to, opened_at)
      values ($1, $2, $3, $4, 3, 20, 10, '2026-02-01', '2026-02-28', now()) returning id`,
    [randomUUID(), merchantId, await alertRule(), productId],
  );
  await rowsOf(
    database,
    merchant,
    'insert into carrying_rate values ($1, 4500, 20, 50, 800, 300) returning merchant_id',
    [merchantId],
  );
  await rowsOf(database, merchant, 'update merchant set adjustment_limit_units = 1 returning id');
  const adjustment = async () =>
    (
      await requestAdjustment(database, {
        merchantId,
        causeId: randomUUID(),
        kind: 'adjustment',
        warehouseId: here,
        reason: 'counted',
        reasonCode: 'counted',
        actor: 'test',
        lines: [{ sku, delta: -2 }],
      })
    ).adjustmentId;
  const hold = async () => {
    const held = await new Holds(database).reserve({
      merchantId,
      stepKey: randomUUID(),
      lines: [{ productId: merchant.products.get(sku) as string, quantity: 1, warehouseIds: [here] }],
      allOrNothing: true,
      keepMs: 60_000,
    });
    return held.kind === 'reserved' ? held.holdId : '';
  };
  const transfer = async (dispatched: boolean) => {
    const { transferId } = await requestTransfer(database, {
      merchantId,
      key: randomUUID(),
      reference: null,
      fromWarehouseId: here,
      toWarehouseId: there,
      expectedAt: null,
      reason: 'rebalance',
      actor: 'test',
      lines: [{ sku, quantity: 2 }],
    });
    const posting = { merchantIds: [merchantId], transferId, key: 'truck', actor: 'test' };
    if (dispatched)
      await dispatchTransfer(database, { ...posting, lines: [{ sku, quantity: 2, fromCode: 'A-01-01' }] });
    return transferId;
  };
  return {
    otherWarehouseId: there,
    adjustmentId: await adjustment(),
    adjustmentToApprove: await adjustment(),
    adjustmentToReject: await adjustment(),
    transferId: await transfer(true),
    transferToDispatch: await transfer(false),
    transferToReceive: await transfer(true),
    transferToClose: await transfer(true),
    shelfLifeRuleId: rule?.id as string,
    promotionId: promotion?.id as string,
    alertId: alert?.id as string,
    alertRuleId: await alertRule(),
    holdId: await hold(),
    holdToRelease: await hold(),
    holdToHandOver: await hold(),
  };
}
