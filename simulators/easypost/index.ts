/**
 * A simulated EasyPost: the part of its API that the engine uses, on loopback, with the published
 * answers, webhooks and error codes. It keeps to the rules a purchase's safety rests on (one label a
 * shipment, references that need not be unique) and moves parcels along by itself, so that a demo has
 * something to track. What it knows to have happened is in its journal: shipment_created, label_bought,
 * refund_requested, refund_settled, parcel_handed_over, parcel_settled, scan_form_created.
 *
 * Beyond the fault knobs: `GET|PUT /__settings` (`settings.ts`) and `POST /__handover`
 * `{"trackingCodes": […]}`, which is the driver who loads parcels where transit starts at the hand-over.
 */
import type { Express, Request, Response } from 'express';
import { z } from 'zod';
import { createSimulatorServer, type Simulator, type SimulatorContext } from '../simulator-server';
import { addressRoutes } from './addresses';
import { declarationRoutes } from './declarations';
import { notFound, refuse } from './errors';
import { fileRoutes } from './files';
import { refundRoutes } from './refunds';
import { scanFormRoutes } from './scan-forms';
import { changedSettings, DEFAULT_SETTINGS, type EasyPostSettings, type SettingsChange } from './settings';
import { shipmentRoutes } from './shipments';
import { type Core, createCore, type State } from './state';
import { trackerRoutes } from './trackers';
import { createTransit, type Transit } from './transit';
import { createWebhooks, RETRY_DELAYS_MS, type Webhooks, webhookRoutes } from './webhooks';

export const DEMO_API_KEY = 'EZTKquaysidedemo';

export interface EasyPostSimulatorOptions {
  readonly port?: number;
  readonly stateFile?: string;
  /** The time that answers and scans carry; how long things take is always real time. */
  readonly clock?: () => Date;
  /** Accepted as the user name of basic authentication. Default: the demo's key. */
  readonly apiKeys?: readonly string[];
  readonly settings?: SettingsChange;
  /** Registered at the start, as if over the API. */
  readonly webhooks?: readonly { readonly url: string; readonly secret: string }[];
  readonly webhookRetryDelaysMs?: readonly number[];
}

export interface EasyPostSimulator extends Simulator {
  readonly settings: () => EasyPostSettings;
  /** Changes what is named. @throws ZodError when it is not valid. */
  changeSettings(change: SettingsChange): void;
  /** The carrier takes these parcels. @returns how many it did not have yet. */
  handOver(trackingCodes: readonly string[]): number;
  addWebhook(url: string, secret: string): void;
  /** Resolves when no webhook is on its way or waits for a retry. */
  webhooksIdle(): Promise<void>;
}

/** @throws the listen error when the port is taken. */
export async function startEasyPostSimulator(
  options: EasyPostSimulatorOptions = {},
): Promise<EasyPostSimulator> {
  const {
    apiKeys = [DEMO_API_KEY],
    settings: change,
    webhooks: registered,
    webhookRetryDelaysMs,
    ...server
  } = options;
  let settings = changedSettings(DEFAULT_SETTINGS, change ?? {});
  let url = '';
  let core: Core | undefined;
  let webhooks: Webhooks | undefined;
  let transit: Transit | undefined;
  const changeSettings = (wanted: unknown) => {
    settings = changedSettings(settings, wanted);
  };
  const handOver = (codes: readonly string[]) =>
    codes.filter((code) => transit?.handOver(core?.findTracker(code, null)?.id ?? '')).length;

  const routes = (app: Express, context: SimulatorContext) => {
    core = createCore(context);
    webhooks = createWebhooks(core, webhookRetryDelaysMs ?? RETRY_DELAYS_MS);
    const { tell } = webhooks;
    const state: State = { ...core, settings: () => settings, origin: () => url, tell };
    transit = createTransit(state);
    controlRoutes(app, { settings: () => settings, changeSettings, handOver });
    fileRoutes(app, state);
    app.use('/v2', authenticate(apiKeys));
    apiRoutes(app, state, transit);
  };
  const simulator = await createSimulatorServer({
    name: 'easypost',
    ...server,
    routes,
    rateLimited,
    serverError: (_req, res) => refuse(res, 500, 'INTERNAL_SERVER_ERROR', 'An unexpected error occurred.'),
    onClose: async () => {
      transit?.close();
      await webhooks?.sender.close();
    },
  });
  url = simulator.url;
  for (const { url: target, secret } of registered ?? []) webhooks?.register(target, secret);
  transit?.resume();
  return {
    ...simulator,
    settings: () => settings,
    changeSettings,
    handOver,
    addWebhook: (target, secret) => void webhooks?.register(target, secret),
    webhooksIdle: async () => webhooks?.sender.idle(),
  };
}

function apiRoutes(app: Express, state: State, transit: Transit): void {
  addressRoutes(app, state);
  declarationRoutes(app, state);
  shipmentRoutes(app, state, transit);
  refundRoutes(app, state, transit);
  trackerRoutes(app, state);
  scanFormRoutes(app, state);
  webhookRoutes(app, state);
  app.use('/v2', (_req, res) => notFound(res));
}

interface Controls {
  readonly settings: () => EasyPostSettings;
  readonly changeSettings: (change: unknown) => void;
  readonly handOver: (trackingCodes: readonly string[]) => number;
}

const handoverSchema = z.strictObject({ trackingCodes: z.array(z.string()).min(1).max(10_000) });

function controlRoutes(app: Express, controls: Controls): void {
  app.get('/__settings', (_req, res) => void res.json(controls.settings()));
  app.put('/__settings', (req, res) => {
    controls.changeSettings(req.body);
    res.json(controls.settings());
  });
  app.post('/__handover', (req, res) => {
    const { trackingCodes } = handoverSchema.parse(req.body);
    res.json({ handedOver: controls.handOver(trackingCodes) });
  });
}

function authenticate(apiKeys: readonly string[]) {
  return (req: Request, res: Response, next: () => void): void => {
    // The engine's paths are exact; EasyPost itself forgives a doubled slash.
    req.url = req.url.replace(/^\/+/, '/');
    const [, encoded = ''] = /^Basic (.+)$/.exec(req.headers.authorization ?? '') ?? [];
    const [key = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
    if (apiKeys.includes(key)) return next();
    refuse(res, 401, 'APIKEY.INACTIVE', 'The API key is missing, unknown or inactive.');
  };
}

/** EasyPost documents a 429 and no header; a Retry-After is what RFC 6585 allows, and clients do without. */
function rateLimited(_req: Request, res: Response, retryAfterMs: number): void {
  res.set('Retry-After', String(Math.ceil(retryAfterMs / 1000)));
  refuse(res, 429, 'RATE_LIMITED', 'Too many requests. Slow down and try again.');
}
