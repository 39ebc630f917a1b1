/** Parcels and customs declarations: what is said about the contents of a shipment. */
import type { Express, Response } from 'express';
import { missing, notFound } from './errors';
import type { CustomsInfoRecord, CustomsItemRecord, ParcelRecord } from './records';
import { newId, type State } from './state';
import { customsInfoView, customsItemView, parcelView, rateView } from './views';

/** @returns null when `given` is no parcel: without a weight nothing can be rated. */
export function newParcel(state: State, given: unknown): ParcelRecord | null {
  const fields = fieldsOf(given);
  if (fields === null) return null;
  if (typeof fields['id'] === 'string') return state.find('parcel', fields['id']) ?? null;
  const size = (name: string) => (Number(fields[name]) > 0 ? Number(fields[name]) : null);
  const weight = size('weight');
  if (weight === null) return null;
  return {
    id: newId('prcl'),
    at: state.now(),
    length: size('length'),
    width: size('width'),
    height: size('height'),
    weight,
    predefined: typeof fields['predefined_package'] === 'string' ? fields['predefined_package'] : null,
  };
}

/** @returns null when nothing was declared. */
export function newCustomsInfo(state: State, given: unknown): CustomsInfoRecord | null {
  const fields = fieldsOf(given);
  if (fields === null) return null;
  if (typeof fields['id'] === 'string') return state.find('customs_info', fields['id']) ?? null;
  const items = Array.isArray(fields['customs_items']) ? fields['customs_items'] : [];
  const { customs_items: _items, ...rest } = fields;
  return {
    id: newId('cstinfo'),
    at: state.now(),
    given: rest,
    items: items.map((item) => newCustomsItem(state, item)).filter((item) => item !== null),
  };
}

function newCustomsItem(state: State, given: unknown): CustomsItemRecord | null {
  const fields = fieldsOf(given);
  if (fields === null) return null;
  if (typeof fields['id'] === 'string') return state.find('customs_item', fields['id']) ?? null;
  return { id: newId('cstitem'), at: state.now(), given: fields };
}

function fieldsOf(given: unknown): Record<string, unknown> | null {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
  return isObject ? (given as Record<string, unknown>) : null;
}

export function declarationRoutes(app: Express, state: State): void {
  app.post('/v2/parcels', (req, res) => {
    const parcel = newParcel(state, req.body?.parcel);
    if (parcel === null) return missing(res, 'parcel');
    res.status(201).json(parcelView(state.save('parcel', parcel)));
  });
  app.post('/v2/customs_infos', (req, res) => {
    const info = newCustomsInfo(state, req.body?.customs_info);
    if (info === null) return missing(res, 'customs_info');
    res.status(201).json(customsInfoView(state.save('customs_info', info)));
  });
  app.post('/v2/customs_items', (req, res) => {
    const item = newCustomsItem(state, req.body?.customs_item);
    if (item === null) return missing(res, 'customs_item');
    res.status(201).json(customsItemView(state.save('customs_item', item)));
  });
  app.get('/v2/parcels/:id', (req, res) => answer(res, state.find('parcel', req.params.id), parcelView));
  app.get('/v2/customs_infos/:id', (req, res) =>
    answer(res, state.find('customs_info', req.params.id), customsInfoView),
  );
  app.get('/v2/customs_items/:id', (req, res) =>
    answer(res, state.find('customs_item', req.params.id), customsItemView),
  );
  app.get('/v2/rates/:id', (req, res) =>
    answer(res, state.findRate(req.params.id), (rate) => rateView(state, rate)),
  );
}

function answer<T>(res: Response, record: T | undefined, view: (record: T) => unknown): void {
  if (record === undefined) notFound(res);
  else res.json(view(record));
}
