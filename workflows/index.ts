export { orderWorkflow } from './order/order.workflow';
export { workOrderWorkflow } from './work-order/work-order.workflow';
