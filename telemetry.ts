/**
 * What the engine says about itself: JSON logs by pino and Prometheus metrics, one registry a process.
 * Neither may hold personal data: logs carry ids (order, workflow, request, trace), never bodies,
 * addresses or names, and what slips in under a telling name is blanked. Metrics carry no merchant:
 * a label of that many values would cost more than what it counts.
 */
import pino from 'pino';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type Logger = pino.Logger;

/** The last line of defence, for objects that are logged whole: partners' errors, rows. */
const PERSONAL = ['email', 'phone', 'name', 'line1', 'line2', 'address', 'shipTo', 'customer', 'body', 'raw'];
const SECRET = ['authorization', 'apiKey', 'password', 'secret', 'credentials', 'token', 'accessToken'];

export interface LoggerOptions {
  /** Which process: `api`, `worker`, `dispatcher`, … */
  readonly role: string;
  readonly level?: string;
  readonly destination?: pino.DestinationStream;
}

export function createLogger({ role, level = 'info', destination }: LoggerOptions): Logger {
  const fields = [...PERSONAL, ...SECRET];
  const options: pino.LoggerOptions = {
    level,
    base: { role },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: fields.flatMap((field) => [field, `*.${field}`]), censor: '[removed]' },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

const registry = new Registry();
collectDefaultMetrics({ register: registry, prefix: 'quayside_' });
const registers = [registry];

/** From a local step's few milliseconds to a carrier's slowest answer. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export const metrics = {
  registry,
  httpRequestSeconds: new Histogram({
    name: 'quayside_http_request_seconds',
    help: 'Requests to the API by route (as declared, without ids) and status.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: SECONDS,
    registers,
  }),
  orders: new Gauge({
    name: 'quayside_orders',
    help: 'Orders that are not closed or cancelled, by state.',
    labelNames: ['state'] as const,
    registers,
  }),
  ordersBlocked: new Gauge({
    name: 'quayside_orders_blocked',
    help: 'Orders that wait for somebody, by blocked reason.',
    labelNames: ['reason'] as const,
    registers,
  }),
  stepSeconds: new Histogram({
    name: 'quayside_step_seconds',
    help: 'Time that a step of a lifecycle took, by step and outcome (done, failed).',
    labelNames: ['step', 'outcome'] as const,
    buckets: SECONDS,
    registers,
  }),
  exceptionsOpen: new Gauge({
    name: 'quayside_exceptions_open',
    help: 'Open exceptions by reason.',
    labelNames: ['reason'] as const,
    registers,
  }),
  exceptionOldestSeconds: new Gauge({
    name: 'quayside_exception_oldest_seconds',
    help: 'Age of the oldest open exception, by reason.',
    labelNames: ['reason'] as const,
    registers,
  }),
  outboxWaiting: new Gauge({
    name: 'quayside_outbox_waiting',
    help: 'Outbox messages that are not delivered yet, by kind and state.',
    labelNames: ['kind', 'state'] as const,
    registers,
  }),
  outboxLagSeconds: new Gauge({
    name: 'quayside_outbox_lag_seconds',
    help: 'How long the message that is due longest has been due.',
    registers,
  }),
  reservations: new Counter({
    name: 'quayside_reservations_total',
    help: 'Orders whose plan was committed or not, by outcome (reserved, backordered, conflict, failed).',
    labelNames: ['outcome'] as const,
    registers,
  }),
  partnerCalls: new Counter({
    name: 'quayside_partner_calls_total',
    help: 'Calls to partners by partner, operation and outcome (ok, or the failure type).',
    labelNames: ['partner', 'operation', 'outcome'] as const,
    registers,
  }),
  partnerCallSeconds: new Histogram({
    name: 'quayside_partner_call_seconds',
    help: 'Time that calls to partners took.',
    labelNames: ['partner', 'operation'] as const,
    buckets: SECONDS,
    registers,
  }),
  webhooks: new Counter({
    name: 'quayside_webhooks_total',
    help: 'Partners’ webhooks by partner and outcome (accepted, updated, duplicate, ignored, parked, refused).',
    labelNames: ['partner', 'outcome'] as const,
    registers,
  }),
};
