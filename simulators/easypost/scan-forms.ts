/** Scan forms: one paper for the driver instead of a scan of each parcel; a shipment is on one at most. */
import type { Express } from 'express';
import { missing, notFound, refuse } from './errors';
import { listPage } from './lists';
import type { ShipmentRecord } from './records';
import { newId, type State } from './state';
import { scanFormView } from './views';

export function scanFormRoutes(app: Express, state: State): void {
  app.post('/v2/scan_forms', (req, res) => {
    const given: unknown = req.body?.scan_form?.shipments ?? req.body?.shipments;
    if (!Array.isArray(given) || given.length === 0) return missing(res, 'shipments');
    const shipments = given.map((entry) => state.find('shipment', String(entry?.id ?? '')));
    const found = shipments.filter((shipment) => shipment !== undefined);
    const [first] = found;
    if (first === undefined || found.length < given.length) return notFound(res);
    const problem = problemOf(found);
    if (problem !== null) return refuse(res, 422, problem.code, problem.message);
    const form = state.save('scan_form', {
      id: newId('sf'),
      at: state.now(),
      batchId: newId('batch'),
      shipmentIds: found.map(({ id }) => id),
      trackingCodes: found.map(({ bought }) => bought?.trackingCode ?? ''),
      from: first.from,
    });
    for (const shipment of found) state.save('shipment', { ...shipment, scanFormId: form.id });
    state.journal.record('scan_form_created', { scanFormId: form.id, shipmentIds: form.shipmentIds });
    res.json(scanFormView(state, form));
  });

  app.get('/v2/scan_forms', (req, res) => {
    res.json(listPage(req, 'scan_forms', state.all('scan_form'), (form) => scanFormView(state, form)));
  });

  app.get('/v2/scan_forms/:id', (req, res) => {
    const form = state.find('scan_form', req.params.id);
    if (form === undefined) notFound(res);
    else res.json(scanFormView(state, form));
  });
}

function problemOf(shipments: readonly ShipmentRecord[]): { code: string; message: string } | null {
  if (shipments.some(({ bought }) => bought === null)) {
    return { code: 'SCAN_FORM.BATCH.NOT_PURCHASED', message: 'Not every shipment has a label.' };
  }
  if (new Set(shipments.map(({ bought }) => bought?.rate.carrier)).size > 1) {
    return { code: 'SCAN_FORM.BATCH.MULTIPLE_CARRIERS', message: 'The shipments have different carriers.' };
  }
  if (shipments.some(({ scanFormId }) => scanFormId !== null)) {
    return { code: 'SCAN_FORM.SHIPMENTS.INVALID', message: 'A shipment is on another form already.' };
  }
  return null;
}
