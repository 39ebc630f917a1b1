/**
 * The files that EasyPost's answers point at. They need no key, as those of EasyPost's file store: the
 * address is the secret. Nothing is stored; a label is drawn when it is fetched, the same each time.
 */
import bwipjs from 'bwip-js';
import type { Express, Response } from 'express';
import PDFDocument from 'pdfkit';
import { type LabelAddress, type LabelData, renderLabelPdf } from '../../documents/label';
import { renderLabelZpl } from '../../documents/zpl';
import type { AddressRecord, ScanFormRecord, ShipmentRecord } from './records';
import type { State } from './state';

const GRAMS_PER_OUNCE = 28.349523125;

export function fileRoutes(app: Express, state: State): void {
  app.get('/files/postage_label/:name', async (req, res) => {
    const [, id = '', extension = ''] = /^(pl_[0-9a-f]{32})\.(png|pdf|zpl)$/.exec(req.params.name) ?? [];
    const shipment = state.find('shipment', state.memory.get<string>('label', id) ?? '');
    if (shipment === undefined) return void res.status(404).type('text').send('no such file');
    await sendLabel(res, labelData(shipment), extension);
  });

  app.get('/files/scan_form/:name', async (req, res) => {
    const form = state.find('scan_form', req.params.name.replace(/\.pdf$/, ''));
    if (form === undefined) return void res.status(404).type('text').send('no such file');
    res.type('application/pdf').send(await renderScanForm(form));
  });
}

async function sendLabel(res: Response, label: LabelData, extension: string): Promise<void> {
  if (extension === 'zpl') res.type('application/zpl').send(renderLabelZpl(label));
  else if (extension === 'pdf') res.type('application/pdf').send(await renderLabelPdf(label));
  else {
    const barcode = { bcid: 'code128', text: label.trackingNumber, includetext: true, scale: 3 };
    res.type('image/png').send(await bwipjs.toBuffer(barcode));
  }
}

function labelData({ bought, from, to, parcel, reference }: ShipmentRecord): LabelData {
  if (bought === null) throw new Error('a label without a purchase');
  return {
    carrier: bought.rate.carrier,
    service: bought.rate.service,
    trackingNumber: bought.trackingCode,
    from: labelAddress(from),
    to: labelAddress(to),
    weightGrams: Math.round(parcel.weight * GRAMS_PER_OUNCE),
    reference,
  };
}

function labelAddress(address: AddressRecord): LabelAddress {
  const { name, company, street1, street2, city, state, zip, country } = address;
  const place = { city: city ?? '', region: state, postalCode: zip, country };
  return { name, company, line1: street1 ?? '', line2: street2, ...place };
}

function renderScanForm(form: ScanFormRecord): Promise<Buffer> {
  const document = new PDFDocument({ size: 'LETTER', info: { CreationDate: new Date(form.at) } });
  const chunks: Buffer[] = [];
  const finished = new Promise<Buffer>((resolve, reject) => {
    document.on('data', (chunk: Buffer) => chunks.push(chunk));
    document.on('end', () => resolve(Buffer.concat(chunks)));
    document.on('error', reject);
  });
  document.fontSize(16).text('DEMO SCAN FORM - NOT VALID');
  document.fontSize(10).text(`${form.id}, ${form.at}, ${form.trackingCodes.length} parcels`);
  document.moveDown().text(form.trackingCodes.join('\n'));
  document.end();
  return finished;
}
