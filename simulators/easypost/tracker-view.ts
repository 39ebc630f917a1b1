/** A tracker as EasyPost's API answers it. Times of scans keep their milliseconds: a demo scans fast. */
import type { TrackerRecord } from './records';

export function trackerView(tracker: TrackerRecord) {
  const { details, carrier } = tracker;
  const last = details.at(-1);
  return {
    id: tracker.id,
    object: 'Tracker',
    mode: 'test',
    tracking_code: tracker.code,
    status: last?.status ?? 'unknown',
    status_detail: last?.detail ?? 'unknown',
    created_at: tracker.at,
    updated_at: tracker.updatedAt,
    signed_by: last?.status === 'delivered' ? 'DEMO RECIPIENT' : null,
    weight: null,
    est_delivery_date: last === undefined ? null : last.at,
    shipment_id: tracker.shipmentId,
    carrier,
    tracking_details: details.map(({ status, detail, message, at }) => ({
      object: 'TrackingDetail',
      message,
      description: '',
      status,
      status_detail: detail,
      datetime: at,
      source: carrier,
      carrier_code: '',
      tracking_location: { object: 'TrackingLocation', city: null, state: null, country: null, zip: null },
      est_delivery_date: null,
    })),
    carrier_detail: last === undefined ? null : carrierDetail(),
    delivery_evidence: [],
    public_url: `https://track.easypost.com/${Buffer.from(`v1:${tracker.id}`).toString('base64url')}`,
  };
}

function carrierDetail() {
  return {
    object: 'CarrierDetail',
    service: 'Demo Service',
    container_type: null,
    est_delivery_date_local: null,
    est_delivery_time_local: null,
    origin_location: 'DEMO ORIGIN',
    origin_tracking_location: {
      object: 'TrackingLocation',
      city: 'DEMO ORIGIN',
      state: null,
      country: null,
      zip: null,
    },
    destination_location: 'DEMO DESTINATION',
    destination_tracking_location: null,
    guaranteed_delivery_date: null,
    alternate_identifier: null,
    initial_delivery_attempt: null,
  };
}
