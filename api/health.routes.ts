/**
 * Liveness, readiness and metrics. Ready means that the database answers: orders are accepted while
 * Temporal is away (their workflows start when it is back), so taking the API out of rotation for that
 * would turn a delay into an outage. Temporal's state is said beside it.
 */
import { z } from 'zod';
import { ping, readFigures } from '../db/health.repo';
import { metrics } from '../telemetry';
import type { ApiDeps } from './deps';
import type { OpenRoute } from './open-routes';

/** Scrapes come every 15 s or so; several scrapers within one share a reading. */
const FIGURES_KEPT_MS = 5_000;
let figuresRead = 0;

const readiness = z.strictObject({
  ready: z.boolean(),
  database: z.enum(['reachable', 'unreachable']),
  temporal: z.enum(['reachable', 'unreachable']),
});

export const healthRoutes: readonly OpenRoute[] = [
  {
    method: 'get',
    path: '/healthz',
    operationId: 'getHealth',
    summary: 'Whether the process is alive',
    tag: 'Operations',
    answers: { 200: z.strictObject({ status: z.literal('ok') }) },
    handler: async (_deps, _request, response) => {
      response.json({ status: 'ok' });
    },
  },
  {
    method: 'get',
    path: '/readyz',
    operationId: 'getReadiness',
    summary: 'Whether requests can be served',
    description: 'Temporal being unreachable delays work and loses none; it does not make the API unready.',
    tag: 'Operations',
    answers: { 200: readiness, 503: readiness },
    handler: async (deps, _request, response) => {
      const [database, temporal] = await Promise.all([
        deps.database.withSystem(ping).then(
          () => true,
          () => false,
        ),
        deps.temporalReady().catch(() => false),
      ]);
      const word = (up: boolean) => (up ? 'reachable' : 'unreachable');
      if (!database) response.status(503).set('Retry-After', '2');
      response.json({ ready: database, database: word(database), temporal: word(temporal) });
    },
  },
  {
    method: 'get',
    path: '/metrics',
    operationId: 'getMetrics',
    summary: 'Prometheus metrics',
    description: 'Counts over all merchants, without any of their names.',
    tag: 'Operations',
    answers: { 200: null },
    handler: async (deps, _request, response) => {
      await readGauges(deps).catch((error: unknown) =>
        deps.logger.warn({ error: String(error) }, 'figures unread'),
      );
      response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
    },
  },
];

async function readGauges(deps: ApiDeps): Promise<void> {
  if (Date.now() - figuresRead < FIGURES_KEPT_MS) return;
  figuresRead = Date.now();
  const figures = await deps.database.withSystem(readFigures);
  for (const gauge of [metrics.orders, metrics.ordersBlocked, metrics.outboxWaiting]) gauge.reset();
  for (const gauge of [metrics.exceptionsOpen, metrics.exceptionOldestSeconds]) gauge.reset();
  for (const { label, count } of figures.orders) metrics.orders.set({ state: label }, count);
  for (const { label, count } of figures.blocked) metrics.ordersBlocked.set({ reason: label }, count);
  for (const { label, count, seconds } of figures.exceptions) {
    metrics.exceptionsOpen.set({ reason: label }, count);
    metrics.exceptionOldestSeconds.set({ reason: label }, seconds);
  }
  for (const { label, other, count } of figures.outbox) {
    metrics.outboxWaiting.set({ kind: label, state: other }, count);
  }
  metrics.outboxLagSeconds.set(Math.max(0, ...figures.outbox.map(({ seconds }) => seconds)));
}
