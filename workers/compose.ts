/** The one place that wires activities to the database and the partners. */
import { createCarrierActivities, createOrderActivities, createWorkOrderActivities } from '../activities';
import { CarrierGuard } from '../activities/carriers/carrier-guard';
import { Intake } from '../commands/intake/intake';
import { ShipStep } from '../commands/ship-order';
import type { Config } from '../config';
import { required } from '../config';
import { easyPostConnector } from '../connectors/carriers/easypost';
import { countCalls } from '../connectors/count-calls';
import { guardOutgoingCalls } from '../connectors/http';
import { Database } from '../db/client';
import { unsealSecrets } from '../db/sealed';

export interface Composed {
  readonly database: Database;
  readonly orderActivities: ReturnType<typeof createOrderActivities> &
    ReturnType<typeof createWorkOrderActivities>;
  readonly carrierActivities: ReturnType<typeof createCarrierActivities>;
}

export function compose(config: Config, onPoolError: (error: Error) => void): Composed {
  const keys = required(config, 'QUAYSIDE_ENCRYPTION_KEYS');
  guardOutgoingCalls(config.OUTGOING_ALLOW_HOSTS);
  const database = new Database({
    appUrl: required(config, 'DATABASE_APP_URL'),
    systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
    poolSize: config.DATABASE_POOL_SIZE,
    onPoolError,
  });
  return {
    database,
    orderActivities: {
      ...createOrderActivities({ database, intake: new Intake(database), shipStep: new ShipStep(database) }),
      ...createWorkOrderActivities({ database }),
    },
    carrierActivities: createCarrierActivities({
      database,
      carriers: { easypost: countCalls('easypost', easyPostConnector) },
      guard: new CarrierGuard(),
      unseal: (sealed) => unsealSecrets(keys, sealed),
    }),
  };
}
