/** What the dispatcher counts beside the metrics that all processes share. */
import { Counter, Histogram } from 'prom-client';
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

/** From a call's 20 ms to a channel that was away for an hour. */
const PUSH_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600];

export const stockPushSeconds = new Histogram({
  name: 'quayside_stock_push_seconds',
  help: 'From the oldest change of a listing to the acknowledgement of the channel that tells it.',
  buckets: PUSH_SECONDS,
  registers: [metrics.registry],
});

export const stockPushes = new Counter({
  name: 'quayside_stock_pushes_total',
  help: 'Calls that set quantities, by outcome (acknowledged, refused, or the failure type).',
  labelNames: ['outcome'] as const,
  registers: [metrics.registry],
});

export const stockDrift = new Counter({
  name: 'quayside_stock_drift_total',
  help: 'Listings of which a channel was found to have another quantity than it had acknowledged.',
  registers: [metrics.registry],
});
