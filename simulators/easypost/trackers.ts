/** Trackers: of labels bought here, of EasyPost's test codes, and of parcels from elsewhere, which stay silent. */
import type { Express } from 'express';
import { missing, notFound } from './errors';
import { listPage } from './lists';
import type { TrackerRecord } from './records';
import type { State } from './state';
import { trackerView } from './tracker-view';
import { foreignTracker } from './transit';

export function trackerRoutes(app: Express, state: State): void {
  /** Read and listed trackers name what was charged for them; created ones what is known of the parcel. */
  const withFees = (tracker: TrackerRecord) => ({ ...trackerView(tracker), fees: feesOf(tracker) });

  app.post('/v2/trackers', (req, res) => {
    const { tracking_code: code, carrier } = req.body?.tracker ?? {};
    if (typeof code !== 'string' || code === '') return missing(res, 'tracking_code');
    const named = typeof carrier === 'string' && carrier !== '' ? carrier : null;
    const tracker =
      state.findTracker(code, named) ?? state.save('tracker', foreignTracker(state, code, named ?? 'USPS'));
    const finalized = tracker.details.at(-1)?.status !== undefined;
    res.json({ ...trackerView(tracker), finalized, is_return: false });
  });

  app.post('/v2/trackers/batch', (req, res) => {
    const codes: unknown = req.body?.tracking_codes;
    if (!Array.isArray(codes)) return missing(res, 'tracking_codes');
    const found = codes
      .map((code) => state.findTracker(String(code), null))
      .filter((tracker) => tracker !== undefined);
    res.json({ trackers: found.map(withFees), has_more: false });
  });

  app.get('/v2/trackers', (req, res) => {
    const { tracking_code: code, carrier } = req.query;
    const trackers = state
      .all('tracker')
      .filter((tracker) => code === undefined || tracker.code === code)
      .filter((tracker) => carrier === undefined || tracker.carrier === carrier);
    res.json(listPage(req, 'trackers', trackers, withFees));
  });

  app.get('/v2/trackers/:id', (req, res) => {
    const tracker = state.find('tracker', req.params.id) ?? state.findTracker(req.params.id, null);
    if (tracker === undefined) notFound(res);
    else res.json(withFees(tracker));
  });

  app.delete('/v2/trackers/:id', (req, res) => {
    if (state.find('tracker', req.params.id) === undefined) return notFound(res);
    state.remove('tracker', req.params.id);
    res.json({ success: true });
  });
}

/** A tracker of a label bought here is free. */
function feesOf({ shipmentId }: TrackerRecord) {
  if (shipmentId !== null) return [];
  return [{ object: 'Fee', type: 'TrackerFee', amount: '0.02000', charged: true, refunded: false }];
}
