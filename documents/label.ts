/**
 * A parcel's label as a PDF page of 4 × 6 inches, for simulated carriers and test orders; real labels
 * come from the carrier and are never redrawn. Pure: the same data gives the same bytes, so a label can
 * be rendered again wherever it is needed instead of being stored, and compared in tests. Every label
 * says that it pays for nothing.
 */
import { createHash } from 'node:crypto';
import bwipjs from 'bwip-js';
import PDFDocument from 'pdfkit';

export interface LabelAddress {
  readonly name: string | null;
  readonly company: string | null;
  readonly line1: string;
  readonly line2: string | null;
  readonly city: string;
  readonly region: string | null;
  readonly postalCode: string | null;
  readonly country: string;
}

export interface LabelData {
  readonly carrier: string;
  /** As a person reads it, e.g. "Ground Advantage". */
  readonly service: string;
  /** Printable ASCII, at most 40 characters: what a Code 128 of this width can hold readably. */
  readonly trackingNumber: string;
  readonly from: LabelAddress;
  readonly to: LabelAddress;
  readonly weightGrams: number;
  readonly reference: string | null;
}

export const NOT_VALID = 'DEMO LABEL - NOT VALID FOR POSTAGE';

const POINTS_PER_INCH = 72;
const WIDTH = 4 * POINTS_PER_INCH;
const HEIGHT = 6 * POINTS_PER_INCH;
const MARGIN = 14;
/** PDF writers stamp the time of writing; a fixed one keeps equal labels equal. */
const FIXED_DATE = new Date('2000-01-01T00:00:00Z');

/** @returns the PDF's bytes. @throws RangeError when the tracking number can't be a Code 128. */
export async function renderLabelPdf(data: LabelData): Promise<Buffer> {
  const bars = code128Bars(data.trackingNumber);
  const document = new PDFDocument({
    size: [WIDTH, HEIGHT],
    margin: MARGIN,
    info: {
      Title: `Label ${data.trackingNumber}`,
      Creator: 'Quayside',
      Producer: 'Quayside',
      CreationDate: FIXED_DATE,
      // PDFKit hashes the document's information into the file id, so this makes the id the label's own.
      Keywords: createHash('sha256').update(JSON.stringify(data)).digest('hex'),
    },
  });
  const finished = collect(document);
  drawHead(document, data);
  drawAddress(document, 'FROM', data.from, 78, 8);
  document.moveTo(0, 140).lineTo(WIDTH, 140).lineWidth(1).stroke();
  drawAddress(document, 'SHIP TO', data.to, 150, 13);
  document.moveTo(0, 262).lineTo(WIDTH, 262).lineWidth(3).stroke();
  drawBarcode(document, bars, data.trackingNumber);
  drawFoot(document, data);
  document.end();
  return finished;
}

/** The lines of an address as they are printed, without empty ones. */
export function addressLines(address: LabelAddress): string[] {
  const place = [address.city, address.region, address.postalCode].filter(Boolean).join(' ');
  return [address.name, address.company, address.line1, address.line2, place, address.country]
    .map((line) => line?.trim() ?? '')
    .filter((line) => line !== '');
}

function collect(document: PDFKit.PDFDocument): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    document.on('data', (chunk: Buffer) => chunks.push(chunk));
    document.on('end', () => resolve(Buffer.concat(chunks)));
    document.on('error', reject);
  });
}

function drawHead(document: PDFKit.PDFDocument, data: LabelData): void {
  const width = WIDTH - 2 * MARGIN;
  document.rect(0, 0, WIDTH, 18).fill('black').fillColor('white');
  line(document, NOT_VALID, 5, { size: 9, bold: true, width, align: 'center' });
  document.fillColor('black');
  line(document, data.carrier, 26, { size: 22, bold: true, width });
  line(document, data.service, 52, { size: 12, bold: false, width });
  document.moveTo(0, 72).lineTo(WIDTH, 72).lineWidth(1).stroke();
}

function drawAddress(
  document: PDFKit.PDFDocument,
  title: string,
  address: LabelAddress,
  top: number,
  size: number,
): void {
  const width = WIDTH - 2 * MARGIN;
  line(document, title, top, { size: 7, bold: true, width });
  addressLines(address).forEach((text, index) => {
    line(document, text, top + 9 + index * (size + 2.5), { size, bold: size > 10, width });
  });
}

function drawBarcode(document: PDFKit.PDFDocument, bars: readonly number[], text: string): void {
  const modules = bars.reduce((sum, width) => sum + width, 0);
  // Ten modules of quiet zone on each side (ISO/IEC 15417, 4.5.4).
  const module = WIDTH / (modules + 20);
  let x = 10 * module;
  bars.forEach((width, index) => {
    if (index % 2 === 0) document.rect(x, 276, width * module, 82);
    x += width * module;
  });
  document.fill('black');
  line(document, text, 364, { size: 11, bold: true, width: WIDTH - 2 * MARGIN, align: 'center' });
}

function drawFoot(document: PDFKit.PDFDocument, data: LabelData): void {
  const width = WIDTH - 2 * MARGIN;
  document.moveTo(0, 386).lineTo(WIDTH, 386).lineWidth(1).stroke();
  line(document, `Weight ${(data.weightGrams / 1000).toFixed(3)} kg`, 394, { size: 9, bold: false, width });
  if (data.reference !== null) line(document, `Ref ${data.reference}`, 408, { size: 7, bold: false, width });
}

interface LineStyle {
  readonly size: number;
  readonly bold: boolean;
  readonly width: number;
  readonly align?: 'center';
}

function line(document: PDFKit.PDFDocument, text: string, top: number, style: LineStyle): void {
  document.font(style.bold ? 'Helvetica-Bold' : 'Helvetica').fontSize(style.size);
  document.text(printable(text), MARGIN, top, {
    width: style.width,
    height: style.size * 1.3,
    ellipsis: true,
    lineBreak: false,
    ...(style.align === undefined ? {} : { align: style.align }),
  });
}

/** Helvetica, which every PDF reader has, knows Latin-1: other letters lose their marks or become "?". */
function printable(text: string): string {
  return [...text]
    .map((letter) => (isLatin1(letter) ? letter : letter.normalize('NFKD').replace(/\p{M}/gu, '')))
    .map((letter) => ([...letter].every(isLatin1) ? letter : '?'))
    .join('');
}

function isLatin1(letter: string): boolean {
  const code = letter.codePointAt(0) as number;
  return (code >= 0x20 && code <= 0x7e) || (code >= 0xa0 && code <= 0xff);
}

/** Widths in modules, bars and spaces in turn, beginning with a bar. */
function code128Bars(text: string): readonly number[] {
  if (!/^[\x20-\x7e]{1,40}$/.test(text)) throw new RangeError('not a number that Code 128 can carry here');
  const [symbol] = bwipjs.raw({ bcid: 'code128', text }) as readonly { readonly sbs: readonly number[] }[];
  if (symbol === undefined) throw new RangeError('no barcode');
  return symbol.sbs;
}
