/**
 * Refunds of labels, by shipment or by tracking numbers. A parcel that was scanned can't be refunded; a
 * request under way is answered as it stands, a rejected one may be made again.
 */
import type { Express, Response } from 'express';
import { missing, notFound, refuse } from './errors';
import { listPage } from './lists';
import type { RefundRecord, ShipmentRecord } from './records';
import { answerPlanned } from './shipments';
import { newId, type State } from './state';
import type { Transit } from './transit';
import { refundView, shipmentView } from './views';

export function refundRoutes(app: Express, state: State, transit: Transit): void {
  app.post('/v2/shipments/:id/refund', (req, res) => {
    const shipment = state.find('shipment', req.params.id);
    if (shipment === undefined) return notFound(res);
    const planned = state.settings().refunds.answers.shift();
    if (planned?.acts === false) return answerPlanned(res, planned);
    if (!isRefundable(state, res, shipment)) return;
    ask(shipment);
    if (planned !== undefined) return answerPlanned(res, planned);
    res.json(shipmentView(state, state.find('shipment', shipment.id) as ShipmentRecord));
  });

  app.post('/v2/refunds', (req, res) => {
    const codes: unknown = req.body?.refund?.tracking_codes;
    if (!Array.isArray(codes)) return missing(res, 'tracking_codes');
    const shipments = codes.map((code) => {
      const tracker = state.findTracker(String(code), null);
      return state.find('shipment', tracker?.shipmentId ?? '');
    });
    const found = shipments.filter((shipment) => shipment !== undefined);
    if (found.length < codes.length) {
      return refuse(res, 422, 'REFUND.TRACKING_CODE.NOT_FOUND', 'A tracking code was not found.');
    }
    if (!found.every((shipment) => isRefundable(state, res, shipment))) return;
    res.status(201).json(found.map((shipment) => refundView(ask(shipment))));
  });

  app.get('/v2/refunds', (req, res) => {
    res.json(listPage(req, 'refunds', state.all('refund'), refundView));
  });

  app.get('/v2/refunds/:id', (req, res) => {
    const refund = state.find('refund', req.params.id);
    if (refund === undefined) notFound(res);
    else res.json(refundView(refund));
  });

  function ask(shipment: ShipmentRecord): RefundRecord {
    const earlier = state.all('refund').findLast(({ shipmentId }) => shipmentId === shipment.id);
    if (earlier !== undefined && earlier.status !== 'rejected') return earlier;
    const { trackingCode, rate } = shipment.bought as NonNullable<ShipmentRecord['bought']>;
    const now = state.now();
    const settings = state.settings().refunds;
    // Carriers that bill on the first scan have nothing to give back, and say so at once.
    const status = settings.outcome === 'not_applicable' ? 'not_applicable' : 'submitted';
    const refund = state.save('refund', {
      id: newId('rfnd'),
      at: now,
      updatedAt: now,
      trackingCode,
      carrier: rate.carrier,
      shipmentId: shipment.id,
      status,
    });
    state.save('shipment', { ...shipment, refundStatus: status, updatedAt: now });
    state.journal.record('refund_requested', {
      reference: shipment.reference,
      shipmentId: shipment.id,
      trackingCode,
      status,
    });
    if (status === 'submitted') transit.refundAsked(refund);
    return refund;
  }
}

/** Answers why not, when it is not. */
function isRefundable(state: State, res: Response, { bought }: ShipmentRecord): boolean {
  if (bought === null) {
    refuse(res, 422, 'SHIPMENT.REFUND.UNAVAILABLE', 'The shipment has no label.');
    return false;
  }
  if (state.find('tracker', bought.trackerId)?.details.some(({ status }) => status !== 'pre_transit')) {
    refuse(res, 422, 'SHIPMENT.REFUND.UNAVAILABLE', 'The parcel has been shipped.');
    return false;
  }
  return true;
}
