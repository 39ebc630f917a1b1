/**
 * What the engine says about itself: JSON logs by pino and Prometheus metrics, one registry a process.
 * Neither may hold personal data: logs carry ids (order, workflow, request, trace), never bodies,
 * addresses or names, and what slips in under a telling name is blanked. An order's life is one trace
 * across all processes, whose id (W3C: 16 bytes in hex) is the order's own id without its dashes, so it
 * needs nothing carried along; a request has the trace that its caller sent. Metrics carry no merchant:
 * a label of that many values would cost more than what it counts.
 */
import { createServer } from 'node:http';
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
    serializers: { err: errorWithoutValues },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** What every line about an order carries. */
export function orderFields(orderId: string): { readonly orderId: string; readonly traceId: string } {
  return { orderId, traceId: orderId.replaceAll('-', '') };
}

/** Of an error what helps to mend it, without the values that a database or HTTP error carries along. */
export function errorWithoutValues(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: 'not an error' };
  const code = (error as { code?: unknown }).code;
  return {
    type: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: errorWithoutValues(error.cause) }),
  };
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
    help: 'Time that a step of a lifecycle took, by step and outcome (done, failed, crashed).',
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
    help: 'Reservations of stock by outcome (reserved, partly, out_of_stock, failed).',
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

/**
 * Serves `GET /metrics` for Prometheus: the door of a process that has no API.
 * @throws the listen error.
 */
export async function startMetricsEndpoint(port: number, host: string): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
