/** What intake is asked and answers, and what it knows of an order half-way. */
import type { IntakeOrderRow } from '../../db/intake.repo';
import type { IntakeCheck } from '../../domain/order/check-intake';

export interface IntakeRequest {
  readonly merchantId: string;
  readonly orderId: string;
  readonly stepKey: string;
}

export interface NewFulfilmentOrder {
  readonly id: string;
  readonly warehouseId: string;
  readonly wms: 'built_in' | 'external';
}

export type IntakeOutcome =
  /** `fulfilmentOrders` are those made now; `waiting` says that some demand waits for stock. */
  | {
      readonly kind: 'planned';
      readonly fulfilmentOrders: readonly NewFulfilmentOrder[];
      readonly shipBy: string | null;
      readonly waiting: boolean;
    }
  | { readonly kind: 'blocked'; readonly reason: string; readonly since: string; readonly message: string }
  | { readonly kind: 'held' }
  | { readonly kind: 'check_address' }
  | { readonly kind: 'delivered' }
  | { readonly kind: 'cancelled' };

/** What is known of one order before stock is looked at. */
export interface Checked {
  readonly request: IntakeRequest;
  readonly order: IntakeOrderRow;
  readonly check: IntakeCheck;
}
