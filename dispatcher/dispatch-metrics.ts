/** What the dispatcher counts beside the metrics that all processes share. */
import { Counter } from 'prom-client';
import { metrics } from '../telemetry';

export const deliveries = new Counter({
  name: 'quayside_outbox_deliveries_total',
  help: 'Attempts to deliver outbox messages, by kind and outcome (sent, later, retry, dead).',
  labelNames: ['kind', 'outcome'] as const,
  registers: [metrics.registry],
});

export const rounds = new Counter({
  name: 'quayside_dispatcher_findings_total',
  help: 'What the dispatcher found and acted on, by loop and finding.',
  labelNames: ['loop', 'finding'] as const,
  registers: [metrics.registry],
});
