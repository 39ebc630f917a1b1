/**
 * What the Temporal UI can filter and sort by. Nothing personal goes in here: search attributes are not
 * encrypted. `SEARCH_ATTRIBUTES` is what provisioning registers.
 */
import { defineSearchAttributeKey } from '@temporalio/common';

export const SEARCH_ATTRIBUTES = [
  { name: 'MerchantId', type: 'Keyword' },
  { name: 'OrderStatus', type: 'Keyword' },
  { name: 'BlockedReason', type: 'Keyword' },
  { name: 'BlockedSince', type: 'Datetime' },
  { name: 'ShipBy', type: 'Datetime' },
  { name: 'Channel', type: 'Keyword' },
  { name: 'WarehouseId', type: 'Keyword' },
  { name: 'TestOrder', type: 'Bool' },
  { name: 'WorkOrderStatus', type: 'Keyword' },
] as const;

export const MERCHANT_ID = defineSearchAttributeKey('MerchantId', 'KEYWORD');
export const ORDER_STATUS = defineSearchAttributeKey('OrderStatus', 'KEYWORD');
export const BLOCKED_REASON = defineSearchAttributeKey('BlockedReason', 'KEYWORD');
export const BLOCKED_SINCE = defineSearchAttributeKey('BlockedSince', 'DATETIME');
export const SHIP_BY = defineSearchAttributeKey('ShipBy', 'DATETIME');
export const CHANNEL = defineSearchAttributeKey('Channel', 'KEYWORD');
export const WAREHOUSE_ID = defineSearchAttributeKey('WarehouseId', 'KEYWORD');
export const TEST_ORDER = defineSearchAttributeKey('TestOrder', 'BOOL');
export const WORK_ORDER_STATUS = defineSearchAttributeKey('WorkOrderStatus', 'KEYWORD');
