/**
 * What workflows call. Two kinds, never mixed: database steps, which are idempotent by a row written in
 * their own transaction, and outside calls, which claim, call with the step key, and record.
 */
import { buyLabelActivity, type CarrierDeps } from './carriers/buy-label';
import { checkAddressActivity } from './carriers/check-address';
import { type OrderStepDeps, orderSteps } from './orders/order-steps';
import { workOrderSteps } from './stock/work-order-steps';

export type ActivityDeps = OrderStepDeps & CarrierDeps;

export function createOrderActivities(deps: OrderStepDeps) {
  return orderSteps(deps);
}

export function createWorkOrderActivities(deps: Pick<OrderStepDeps, 'database'>) {
  return workOrderSteps(deps);
}

export function createCarrierActivities(deps: CarrierDeps) {
  return { buyLabel: buyLabelActivity(deps), checkAddress: checkAddressActivity(deps) };
}

export type OrderActivities = ReturnType<typeof createOrderActivities>;
export type WorkOrderActivities = ReturnType<typeof createWorkOrderActivities>;
export type CarrierActivities = ReturnType<typeof createCarrierActivities>;
