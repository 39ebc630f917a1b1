/**
 * For every route one request about things of one merchant. The same requests are made by their owner
 * (and succeed), by others (and find nothing), and about things that do not exist (and read the same).
 * A route that is not in this table fails the sweep.
 */
import { randomUUID } from 'node:crypto';
import { scanPack } from '../../commands/floor/scan-pack';
import type { Database } from '../../db/client';
import {
  claim,
  labelParcel,
  packNext,
  pickNext,
  plannedOrder,
  seedCarrierAccount,
  staff,
} from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';
import { CHANNEL_ROUTES, CHANNEL_THINGS, makeChannelWorld } from './channel-world';
import { COUNT_ROUTES, COUNT_THINGS, makeCountWorld } from './count-world';
import { EXCEPTION_ROUTES, EXCEPTION_THINGS, makeExceptions } from './exception-world';
import type { RunningApi } from './running-api';
import { makeStockWorld, STOCK_ROUTES, STOCK_THINGS } from './stock-world';
import { makeWorkOrderWorld, WORK_ORDER_ROUTES, WORK_ORDER_THINGS } from './work-order-world';

/** Names of things that a request can be about. */
const THINGS = [
  'merchantId',
  'warehouseId',
  'connectionId',
  'productId',
  'bundleId',
  'aliasId',
  'methodId',
  'ruleId',
  'warehouseToClose',
  'cartonId',
  'keyId',
  'orderId',
  'orderToHold',
  'orderHeld',
  'orderToCancel',
  'orderToCorrect',
  'orderToPay',
  'orderToRetry',
  'orderShorted',
  'parcelId',
  'parcelToShip',
  'taskToScan',
  'taskToShort',
  'taskLineToShort',
  'taskToRelease',
  'taskToClose',
  'scanner',
  'shorter',
  'releaser',
  'closer',
  'shipper',
  'claimer',
  ...EXCEPTION_THINGS,
  ...STOCK_THINGS,
  ...COUNT_THINGS,
  ...WORK_ORDER_THINGS,
  ...CHANNEL_THINGS,
] as const;
type Thing = (typeof THINGS)[number];
export type World = Readonly<Record<Thing, string>> & {
  readonly slug: string;
  readonly sku: string;
  readonly cartonCode: string;
};

export interface RouteRequest {
  readonly path: string;
  readonly body?: unknown;
}

const address = {
  name: 'Demo',
  line1: '2 Demo Street',
  city: 'Beverly Hills',
  region: 'CA',
  postalCode: '90210',
  country: 'US',
};

/** By operationId. Names that must be new are drawn, so that each may be made several times. */
export const EVERY_ROUTE: Readonly<Record<string, (world: World) => RouteRequest>> = {
  createOrder: (w) => ({
    path: '/v1/orders',
    body: {
      externalId: randomUUID(),
      placedAt: '2026-03-02T10:00:00Z',
      currency: 'USD',
      totalMinor: '1000',
      payment: 'captured',
      shipTo: address,
      lines: [{ externalLineId: '1', sku: w.sku, title: 'Demo', quantity: 1, unitPriceMinor: '1000' }],
      strict: true,
    },
  }),
  listOrders: () => ({ path: '/v1/orders' }),
  getOrder: (w) => ({ path: `/v1/orders/${w.orderId}` }),
  holdOrder: (w) => ({ path: `/v1/orders/${w.orderToHold}/hold`, body: { name: 'fraud' } }),
  releaseOrder: (w) => ({ path: `/v1/orders/${w.orderHeld}/release`, body: { name: 'fraud' } }),
  cancelOrder: (w) => ({ path: `/v1/orders/${w.orderToCancel}/cancel`, body: { reason: 'asked' } }),
  correctOrderAddress: (w) => ({ path: `/v1/orders/${w.orderToCorrect}/address`, body: address }),
  updateOrderPayment: (w) => ({
    path: `/v1/orders/${w.orderToPay}/payment`,
    body: { payment: 'authorised' },
  }),
  retryOrder: (w) => ({ path: `/v1/orders/${w.orderToRetry}/retry`, body: { reason: 'again' } }),
  settleShortPick: (w) => ({
    path: `/v1/orders/${w.orderShorted}/short-pick`,
    body: { decision: 'backorder' },
  }),
  ...EXCEPTION_ROUTES,
  listParcels: () => ({ path: '/v1/parcels' }),
  getParcel: (w) => ({ path: `/v1/parcels/${w.parcelId}` }),
  listTasks: () => ({ path: '/v1/tasks' }),
  claimNextTask: (w) => ({
    path: '/v1/floor/tasks/next',
    body: { warehouseId: w.warehouseId, kinds: ['pick'], personId: w.claimer },
  }),
  getFloorTask: (w) => ({ path: `/v1/floor/tasks/${w.taskToScan}` }),
  scanAtTask: (w) => ({
    path: `/v1/floor/tasks/${w.taskToScan}/scans`,
    body: { code: w.sku, locationCode: 'A-01-01', personId: w.scanner },
  }),
  shortPick: (w) => ({
    path: `/v1/floor/tasks/${w.taskToShort}/short`,
    body: { taskLineId: w.taskLineToShort, foundQuantity: 0, personId: w.shorter },
  }),
  releaseTask: (w) => ({
    path: `/v1/floor/tasks/${w.taskToRelease}/release`,
    body: { personId: w.releaser },
  }),
  closeCarton: (w) => ({
    path: `/v1/floor/tasks/${w.taskToClose}/close-carton`,
    body: { cartonCode: w.cartonCode, personId: w.closer },
  }),
  shipScan: (w) => ({
    path: '/v1/floor/ship-scans',
    body: { parcelId: w.parcelToShip, personId: w.shipper },
  }),
  ...STOCK_ROUTES,
  ...COUNT_ROUTES,
  ...WORK_ORDER_ROUTES,
  ...CHANNEL_ROUTES,
  listProducts: () => ({ path: '/v1/products' }),
  createProduct: () => ({ path: '/v1/products', body: { sku: `NEW-${randomUUID()}`, name: 'New' } }),
  getProduct: (w) => ({ path: `/v1/products/${w.productId}` }),
  updateProduct: (w) => ({ path: `/v1/products/${w.productId}`, body: { name: 'Renamed' } }),
  setProductComponents: (w) => ({
    path: `/v1/products/${w.bundleId}/components`,
    body: { components: [{ productId: w.productId, quantity: 2 }] },
  }),
  listSkuAliases: () => ({ path: '/v1/sku-aliases' }),
  createSkuAlias: (w) => ({
    path: '/v1/sku-aliases',
    body: { alias: `alias-${randomUUID()}`, productId: w.productId, connectionId: w.connectionId },
  }),
  deleteSkuAlias: (w) => ({ path: `/v1/sku-aliases/${w.aliasId}` }),
  listShippingMethods: () => ({ path: '/v1/shipping-methods' }),
  createShippingMethod: (w) => ({
    path: '/v1/shipping-methods',
    body: { method: `m-${randomUUID()}`, serviceLevel: 'standard', connectionId: w.connectionId },
  }),
  deleteShippingMethod: (w) => ({ path: `/v1/shipping-methods/${w.methodId}` }),
  listCartons: () => ({ path: '/v1/cartons' }),
  createCarton: () => ({
    path: '/v1/cartons',
    body: {
      code: `C-${randomUUID().slice(0, 8)}`,
      lengthMm: 100,
      widthMm: 100,
      heightMm: 100,
      tareGrams: 50,
      maxGrams: 5000,
    },
  }),
  archiveCarton: (w) => ({ path: `/v1/cartons/${w.cartonId}` }),
  listConnections: () => ({ path: '/v1/connections' }),
  listMerchants: () => ({ path: '/v1/merchants' }),
  createMerchant: () => ({
    path: '/v1/merchants',
    body: { slug: `m-${randomUUID()}`.slice(0, 40), name: 'New', currency: 'EUR' },
  }),
  getMerchant: (w) => ({ path: `/v1/merchants/${w.merchantId}` }),
  updateMerchant: (w) => ({ path: `/v1/merchants/${w.merchantId}`, body: { splitPolicy: 'never' } }),
  setMerchantWarehouses: (w) => ({
    path: `/v1/merchants/${w.merchantId}/warehouses`,
    body: { warehouseIds: [w.warehouseId] },
  }),
  listRoutingRules: () => ({ path: '/v1/routing/rules' }),
  createRoutingRule: (w) => ({
    path: '/v1/routing/rules',
    body: {
      name: 'New',
      conditions: { tags: ['nobody has this'], connectionIds: [w.connectionId] },
      effects: [{ kind: 'prefer', warehouseIds: [w.warehouseId] }],
    },
  }),
  getRoutingRule: (w) => ({ path: `/v1/routing/rules/${w.ruleId}` }),
  updateRoutingRule: (w) => ({ path: `/v1/routing/rules/${w.ruleId}`, body: { name: 'Renamed' } }),
  deleteRoutingRule: (w) => ({ path: `/v1/routing/rules/${w.ruleId}` }),
  getRoutingZones: () => ({ path: '/v1/routing/zones' }),
  setRoutingZones: () => ({
    path: '/v1/routing/zones',
    body: { zones: [{ name: 'demo', places: [{ country: 'US' }] }] },
  }),
  getRoutingRates: () => ({ path: '/v1/routing/rates' }),
  setRoutingRates: (w) => ({
    path: '/v1/routing/rates',
    body: { rates: [{ warehouseId: w.warehouseId, zone: null, baseMinor: '500', perKgMinor: '100' }] },
  }),
  dryRunRouting: (w) => ({ path: '/v1/routing/dry-run', body: { orderId: w.orderId } }),
  getOrderRouting: (w) => ({ path: `/v1/orders/${w.orderId}/routing` }),
  updateWarehouse: (w) => ({
    path: `/v1/warehouses/${w.warehouseToClose}`,
    body: { closedDays: ['2026-12-24'] },
  }),
  closeWarehouse: (w) => ({ path: `/v1/warehouses/${w.warehouseToClose}/close`, body: { reason: 'asked' } }),
  openWarehouse: (w) => ({ path: `/v1/warehouses/${w.warehouseToClose}/open`, body: { reason: 'asked' } }),
  listWarehouses: () => ({ path: '/v1/warehouses' }),
  createWarehouse: () => ({
    path: '/v1/warehouses',
    body: {
      code: `W-${randomUUID().slice(0, 8)}`,
      name: 'New',
      timeZone: 'Europe/Berlin',
      line1: '1 Demo Street',
      city: 'Demo City',
      postalCode: '10115',
      country: 'DE',
    },
  }),
  getWarehouse: (w) => ({ path: `/v1/warehouses/${w.warehouseId}` }),
  listLocations: (w) => ({ path: `/v1/warehouses/${w.warehouseId}/locations` }),
  createLocation: (w) => ({
    path: `/v1/warehouses/${w.warehouseId}/locations`,
    body: { code: `B-${randomUUID().slice(0, 8)}`, kind: 'bin' },
  }),
  listPersons: () => ({ path: '/v1/persons' }),
  createPerson: () => ({ path: '/v1/persons', body: { name: 'Demo Picker', role: 'floor' } }),
  listApiKeys: () => ({ path: '/v1/api-keys' }),
  createApiKey: (w) => ({
    path: '/v1/api-keys',
    body: { name: 'New', scopes: ['orders:read'], merchantIds: [w.merchantId], personId: w.claimer },
  }),
  revokeApiKey: (w) => ({ path: `/v1/api-keys/${w.keyId}/revoke` }),
};

/** A world in which nothing exists. */
export function nowhere(): World {
  const ids = Object.fromEntries(THINGS.map((thing) => [thing, randomUUID()]));
  return { ...ids, slug: 'nobody', sku: `NOTHING-${randomUUID()}`, cartonCode: 'NO-BOX' } as World;
}

/** A merchant with a thing in the right state for every request. */
export async function buildWorld(api: RunningApi): Promise<{ world: World; merchant: SeededMerchant }> {
  const { database } = api;
  const sku = `DEMO-${randomUUID()}`;
  const merchant = await seedMerchant(database, {
    persons: 6,
    warehouses: [{ code: 'W1' }, { code: 'W2' }],
    products: [{ sku, stock: { W1: 500 } }, { sku: `${sku}-BUNDLE`, isBundle: true }, { sku: `${sku}-KIT` }],
  });
  await seedCarrierAccount(database, merchant);
  const { key } = await api.makeKey(merchant.organisationId);
  const make = async (path: string, body: unknown) => {
    const reply = await api.ask('POST', path, { key, body });
    if (reply.status !== 201) throw new Error(`${path}: ${reply.text}`);
    return reply.json.id as string;
  };
  const productId = merchant.products.get(sku) as string;
  const place = async () => (await placeOrder(database, merchant, demoOrder([{ sku, quantity: 1 }]))).orderId;
  const floor = await workOnTheFloor(database, merchant, sku);
  const orderHeld = await place();
  await api.ask('POST', `/v1/orders/${orderHeld}/hold`, { key, body: { name: 'fraud' } });
  const orderId = await place();
  const exceptions = await makeExceptions(database, merchant, [
    orderId,
    await place(),
    await place(),
    await place(),
  ]);
  const world: World = {
    ...floor,
    ...exceptions,
    ...(await makeStockWorld(database, merchant, sku)),
    ...(await makeCountWorld(database, merchant)),
    ...(await makeWorkOrderWorld(database, merchant, sku)),
    ...(await makeChannelWorld(database, merchant, sku)),
    slug: merchant.slug,
    sku,
    cartonCode: merchant.cartonCode,
    merchantId: merchant.merchantId,
    warehouseId: merchant.warehouses[0]?.id as string,
    connectionId: merchant.connectionId,
    productId,
    bundleId: merchant.products.get(`${sku}-BUNDLE`) as string,
    aliasId: await make('/v1/sku-aliases', { alias: `a-${sku}`, productId }),
    ruleId: await make('/v1/routing/rules', {
      name: 'Demo rule',
      conditions: { tags: ['nobody has this'] },
      effects: [{ kind: 'ship_complete' }],
    }),
    warehouseToClose: await make('/v1/warehouses', {
      code: `CLOSES-${randomUUID().slice(0, 8)}`,
      name: 'Demo warehouse that closes',
      timeZone: 'America/New_York',
      line1: '1 Demo Street',
      city: 'Demo City',
      postalCode: '07030',
      country: 'US',
    }),
    methodId: await make('/v1/shipping-methods', { method: 'Express', serviceLevel: 'express' }),
    cartonId: await make('/v1/cartons', {
      code: 'OLD',
      lengthMm: 10,
      widthMm: 10,
      heightMm: 10,
      tareGrams: 1,
      maxGrams: 10,
    }),
    keyId: (await api.makeKey(merchant.organisationId)).id,
    orderId,
    orderHeld,
    orderToHold: await place(),
    orderToCancel: await place(),
    orderToCorrect: await place(),
    orderToPay: await place(),
    orderToRetry: await place(),
  };
  return { world, merchant };
}

/** Orders at every stage that the floor API acts on, each task with a person of its own. */
async function workOnTheFloor(database: Database, merchant: SeededMerchant, sku: string) {
  const plan = () => plannedOrder(database, merchant, [{ sku, quantity: 2 }]);
  await plan();
  await pickNext(database, merchant, 4);
  const parcelToShip = await packNext(database, merchant, 4);
  await labelParcel(database, merchant, parcelToShip);
  await plan();
  await pickNext(database, merchant, 3);
  const taskToClose = await claim(database, merchant, 'pack', 3);
  for (const line of taskToClose.lines) {
    await scanPack(database, staff(merchant, 3), {
      taskId: taskToClose.taskId,
      eventId: randomUUID(),
      code: line.sku,
      quantity: line.quantity,
    });
  }
  await plan();
  const taskToScan = await claim(database, merchant, 'pick', 0);
  const orderShorted = await plan();
  const taskToShort = await claim(database, merchant, 'pick', 1);
  await plan();
  const taskToRelease = await claim(database, merchant, 'pick', 2);
  await plan();
  const [scanner, shorter, releaser, closer, shipper, claimer] = merchant.personIds as string[];
  return {
    parcelId: parcelToShip,
    parcelToShip,
    taskToClose: taskToClose.taskId,
    taskToScan: taskToScan.taskId,
    taskToShort: taskToShort.taskId,
    taskLineToShort: taskToShort.lines[0]?.taskLineId,
    taskToRelease: taskToRelease.taskId,
    orderShorted,
    scanner,
    shorter,
    releaser,
    closer,
    shipper,
    claimer,
  } as Pick<
    World,
    | 'parcelId'
    | 'parcelToShip'
    | 'taskToClose'
    | 'taskToScan'
    | 'taskToShort'
    | 'taskLineToShort'
    | 'taskToRelease'
    | 'orderShorted'
    | 'scanner'
    | 'shorter'
    | 'releaser'
    | 'closer'
    | 'shipper'
    | 'claimer'
  >;
}
