/**
 * Task queues. Orders and what touches only our database share one; every kind of partner has its own,
 * so that one slow carrier fills its own slots and nobody else's. A suffix keeps test files apart.
 */
export const ORDER_QUEUE = 'quayside-orders';
export const CARRIER_QUEUE = 'quayside-carriers';
