/**
 * Shipments: created and rated, bought, read again by id or by reference. The rules that the engine
 * leans on are EasyPost's: creating costs nothing and may be repeated with the same reference; a
 * shipment has one label at most, and a second purchase is refused with SHIPMENT.POSTAGE.EXISTS.
 */
import type { Express, Request, Response } from 'express';
import { CARRIER_TIMEOUT_COMPANY } from '../shopify/demo-orders';
import { newAddress, problemsOf, verifiedForm } from './address-check';
import { newCustomsInfo, newParcel } from './declarations';
import { missing, notFound, refuse } from './errors';
import { listPage } from './lists';
import { quote } from './rates';
import { LABEL_FORMATS, type LabelFormat, type RateRecord, type ShipmentRecord } from './records';
import type { PlannedAnswer } from './settings';
import { newId, type State } from './state';
import { fateOf, type Transit } from './transit';
import { rateView, shipmentView } from './views';

/** The recorded account insures every label for this much, unless another sum is asked for. */
const INSURANCE = '50.00';

/** @param given nothing: the account's sum; 0: none. */
function insuranceOf(given: unknown): string | null {
  if (given === undefined || given === null) return INSURANCE;
  return Number(given) > 0 ? Number(given).toFixed(2) : null;
}

function textOf(given: unknown): string | null {
  return typeof given === 'string' && given !== '' ? given : null;
}

/** Longer than any client waits (60 s at most), so that it is the client who gives up. */
const SILENCE_MS = 120_000;

/** The label of such an address is bought, and the buyer never hears of it: a time-out after success. */
function keepSilent(res: Response, finish: () => void): void {
  const timer = setTimeout(() => res.socket?.destroy(), SILENCE_MS);
  res.once('close', () => clearTimeout(timer));
  finish();
}

export function shipmentRoutes(app: Express, state: State, transit: Transit): void {
  purchaseRoute(app, state, transit);

  app.post('/v2/shipments', (req, res) => {
    const given: unknown = req.body?.shipment;
    if (typeof given !== 'object' || given === null) return missing(res, 'shipment');
    const made = newShipment(state, given as Record<string, unknown>);
    if (typeof made === 'string') return missing(res, made);
    const { shipment, service } = made;
    state.save('shipment', shipment);
    state.journal.record('shipment_created', { shipmentId: shipment.id, reference: shipment.reference });
    if (service === null) return void res.status(201).json(shipmentView(state, shipment));
    const rate = shipment.rates.find((offered) => offered.service === service);
    if (rate === undefined) return missingRate(res);
    const { answer, finish } = buy(
      state,
      transit,
      shipment,
      rate,
      insuranceOf((given as { insurance?: unknown }).insurance),
    );
    res.status(201).json(answer);
    finish();
  });

  app.get('/v2/shipments', (req, res) => {
    const wanted = req.query['purchased'];
    const shipments = state
      .all('shipment')
      .filter(({ bought }) => wanted === undefined || (bought !== null) === (wanted === 'true'));
    res.json(listPage(req, 'shipments', shipments, (shipment) => shipmentView(state, shipment)));
  });

  app.get('/v2/shipments/:id', (req, res) =>
    withShipment(state, req, res, (shipment) => void res.json(shipmentView(state, shipment))),
  );

  app.get('/v2/shipments/:id/label', (req, res) =>
    withShipment(state, req, res, (shipment) => convertLabel(state, req, res, shipment)),
  );

  app.post('/v2/shipments/:id/rerate', (req, res) =>
    withShipment(state, req, res, (shipment) => {
      const { rates, messages } = quoteFor(state, shipment, null);
      state.save('shipment', { ...shipment, rates, messages, updatedAt: state.now() });
      res.json({ rates: rates.map((rate) => rateView(state, rate)) });
    }),
  );
}

/** A purchase takes its time, and meanwhile the shipment takes no other. */
function purchaseRoute(app: Express, state: State, transit: Transit): void {
  const purchasing = new Set<string>();

  app.post('/v2/shipments/:id/buy', (req, res) =>
    withShipment(state, req, res, (shipment) => {
      const rate = shipment.rates.find(({ id }) => id === req.body?.rate?.id);
      if (purchasing.has(shipment.id)) {
        return refuse(res, 422, 'SHIPMENT.PURCHASE.IN_PROGRESS', 'A purchase is in progress.');
      }
      if (shipment.bought !== null) {
        return refuse(res, 422, 'SHIPMENT.POSTAGE.EXISTS', 'Postage already exists for this shipment.');
      }
      if (rate === undefined) return missingRate(res);
      if (problemsOf(shipment.to).length > 0) {
        return refuse(
          res,
          422,
          'ADDRESS.VERIFY.FAILURE',
          'Unable to verify address.',
          problemsOf(shipment.to),
        );
      }
      purchasing.add(shipment.id);
      const { delayMs } = state.settings().purchase;
      const act = () => {
        purchasing.delete(shipment.id);
        purchase(req, res, shipment.id, rate);
      };
      if (delayMs === 0) act();
      else setTimeout(act, delayMs).unref();
    }),
  );

  function purchase(req: Request, res: Response, shipmentId: string, rate: RateRecord): void {
    const planned = state.settings().purchase.answers.shift();
    if (planned?.acts === false) return answerPlanned(res, planned);
    const shipment = state.find('shipment', shipmentId) as ShipmentRecord;
    const { answer, finish } = buy(state, transit, shipment, rate, insuranceOf(req.body?.insurance));
    if (shipment.to.company === CARRIER_TIMEOUT_COMPANY) return keepSilent(res, finish);
    if (planned === undefined) res.json(answer);
    else answerPlanned(res, planned);
    finish();
  }
}

function withShipment(
  state: State,
  req: Request,
  res: Response,
  act: (shipment: ShipmentRecord) => void,
): void {
  const asked = String(req.params['id']);
  const shipment = state.find('shipment', asked) ?? state.findByReference(asked);
  if (shipment === undefined) notFound(res);
  else act(shipment);
}

/** @returns the name of what is missing, or the shipment and the service to buy at once, if one is named. */
function newShipment(
  state: State,
  given: Record<string, unknown>,
): string | { readonly shipment: ShipmentRecord; readonly service: string | null } {
  const from = newAddress(state, given['from_address']);
  if (from === null) return 'from_address';
  const to = newAddress(state, given['to_address']);
  if (to === null) return 'to_address';
  const parcel = newParcel(state, given['parcel']);
  if (parcel === null) return 'parcel';
  const now = state.now();
  const blank: ShipmentRecord = {
    id: newId('shp'),
    at: now,
    updatedAt: now,
    reference: textOf(given['reference']),
    isReturn: given['is_return'] === true,
    from,
    to,
    parcel,
    customs: newCustomsInfo(state, given['customs_info']),
    options: (given['options'] ?? {}) as Record<string, unknown>,
    taxIdentifiers: Array.isArray(given['tax_identifiers']) ? given['tax_identifiers'] : null,
    rates: [],
    messages: [],
    bought: null,
    refundStatus: null,
    scanFormId: null,
  };
  const accounts = Array.isArray(given['carrier_accounts']) ? given['carrier_accounts'] : null;
  const service = typeof given['service'] === 'string' ? given['service'] : null;
  return { shipment: { ...blank, ...quoteFor(state, blank, accounts) }, service };
}

function quoteFor(state: State, shipment: ShipmentRecord, accounts: readonly string[] | null) {
  const { id: shipmentId, from, to, parcel } = shipment;
  const { carriers } = state.settings();
  return quote({ shipmentId, at: state.now(), from, to, parcel, carriers, accounts });
}

/** Buys, and answers the shipment as it is at that moment; `finish` lets the world hear of it. */
function buy(
  state: State,
  transit: Transit,
  shipment: ShipmentRecord,
  rate: RateRecord,
  insurance: string | null,
) {
  const now = state.now();
  const trackingCode = newTrackingCode(rate.carrier, state.memory.next('tracking code'));
  const tracker = state.save('tracker', {
    id: newId('trk'),
    at: now,
    updatedAt: now,
    code: trackingCode,
    carrier: rate.carrier,
    shipmentId: shipment.id,
    details: [],
    fate: fateOf(shipment),
    moving: false,
  });
  const label = { id: newId('pl'), at: now, format: formatOf(shipment), converted: [] };
  const bought = state.save('shipment', {
    ...shipment,
    updatedAt: now,
    to: verifiedForm(shipment.to),
    bought: { rate, at: now, label, trackerId: tracker.id, trackingCode, insurance },
  });
  state.memory.put('label', label.id, shipment.id);
  state.journal.record('label_bought', {
    reference: shipment.reference,
    shipmentId: shipment.id,
    trackingCode,
    carrier: rate.carrier,
    service: rate.service,
    amountMinor: String(rate.cents),
    currency: 'USD',
  });
  return { answer: shipmentView(state, bought), finish: () => transit.labelBought(tracker.id) };
}

function formatOf({ options }: ShipmentRecord): LabelFormat {
  return LABEL_FORMATS.find((format) => format === options['label_format']) ?? 'PNG';
}

/** Shaped like each carrier's numbers, and none that a carrier would give out. */
function newTrackingCode(carrier: string, number: number): string {
  switch (carrier) {
    case 'UPS':
      return `1ZDEMO${String(number).padStart(12, '0')}`;
    case 'FedEx':
      return `00${String(number).padStart(10, '0')}`;
    default:
      return `9400100000${String(number).padStart(12, '0')}`;
  }
}

function convertLabel(state: State, req: Request, res: Response, shipment: ShipmentRecord): void {
  const format = LABEL_FORMATS.find((known) => known === String(req.query['file_format']).toUpperCase());
  const { bought } = shipment;
  if (bought === null) return refuse(res, 422, 'SHIPMENT.POSTAGE.REQUIRED', 'The shipment has no label yet.');
  if (format === undefined) {
    return refuse(res, 422, 'SHIPMENT.POSTAGE.INVALID_FORMAT', 'The file format is not supported.');
  }
  const label = { ...bought.label, converted: [...bought.label.converted, format] };
  const converted = state.save('shipment', { ...shipment, bought: { ...bought, label } });
  res.json(shipmentView(state, converted));
}

function missingRate(res: Response): void {
  refuse(res, 422, 'SHIPMENT.MISSING_RATE', 'The rate does not belong to this shipment.');
}

export function answerPlanned(res: Response, { status, code }: PlannedAnswer): void {
  refuse(res, status, code, `The simulator was told to answer ${code}.`);
}
