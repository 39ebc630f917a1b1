/** All routes, in the order in which the documentation lists them. What is not here does not exist. */
import { apiKeyRoutes } from './api-keys.routes';
import { channelStockRoutes } from './channel-stock.routes';
import { countRoutes } from './counts.routes';
import { exceptionRoutes } from './exceptions.routes';
import { floorRoutes } from './floor.routes';
import { followUpPageRoutes } from './follow-up-page.routes';
import { healthRoutes } from './health.routes';
import { holdRoutes } from './holds.routes';
import { lotRoutes } from './lots.routes';
import type { OpenRoute } from './open-routes';
import { orderActionRoutes } from './order-actions.routes';
import { orderRoutes } from './orders.routes';
import { organisationRoutes } from './organisation.routes';
import { parcelRoutes } from './parcels.routes';
import { personRoutes } from './persons.routes';
import { productRoutes } from './products.routes';
import type { Route } from './route';
import { routingRoutes } from './routing.routes';
import { settingsRoutes } from './settings.routes';
import { stockRoutes } from './stock.routes';
import { stockAlertRoutes } from './stock-alerts.routes';
import { stockChangeRoutes } from './stock-changes.routes';
import { stockStreamRoutes } from './stock-stream.routes';
import { stockValueRoutes } from './stock-value.routes';
import { transferRoutes } from './transfers.routes';
import { warehouseHoursRoutes } from './warehouse-hours.routes';
import { webhookRoutes } from './webhooks.routes';
import { workOrderRoutes } from './work-orders.routes';

/** Behind an API key. */
export const routes: readonly Route[] = [
  ...orderRoutes,
  ...orderActionRoutes,
  ...exceptionRoutes,
  ...parcelRoutes,
  ...floorRoutes,
  ...stockRoutes,
  ...stockStreamRoutes,
  ...holdRoutes,
  ...stockChangeRoutes,
  ...stockValueRoutes,
  ...stockAlertRoutes,
  ...transferRoutes,
  ...countRoutes,
  ...workOrderRoutes,
  ...lotRoutes,
  ...channelStockRoutes,
  ...productRoutes,
  ...settingsRoutes,
  ...routingRoutes,
  ...organisationRoutes,
  ...warehouseHoursRoutes,
  ...personRoutes,
  ...apiKeyRoutes,
];

/** Open to whoever reaches the port. */
export const openRoutes: readonly OpenRoute[] = [...webhookRoutes, ...followUpPageRoutes, ...healthRoutes];
