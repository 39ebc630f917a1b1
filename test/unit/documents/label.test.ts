import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { addressLines, type LabelData, NOT_VALID, renderLabelPdf } from '../../../documents/label';
import { renderLabelZpl } from '../../../documents/zpl';

const data: LabelData = {
  carrier: 'USPS',
  service: 'Ground Advantage',
  trackingNumber: '9400100110368068953228',
  from: {
    name: 'Demo Warehouse',
    company: null,
    line1: '1 Demo Way',
    line2: null,
    city: 'Newark',
    region: 'NJ',
    postalCode: '07102',
    country: 'US',
  },
  to: {
    name: 'Demo Recipient',
    company: 'Demo Company',
    line1: '12 Example Street',
    line2: 'Apt 3',
    city: 'Springfield',
    region: 'IL',
    postalCode: '62701',
    country: 'US',
  },
  weightGrams: 1240,
  reference: 'order:demo:label:1',
};

/** The page's drawing commands, with the hexadecimal strings of text spelled out. */
function pageText(pdf: Buffer): string {
  const text: string[] = [];
  for (let at = pdf.indexOf('stream\n'); at >= 0; at = pdf.indexOf('stream\n', at + 1)) {
    const end = pdf.indexOf('\nendstream', at);
    try {
      text.push(inflateSync(pdf.subarray(at + 7, end)).toString('latin1'));
    } catch {
      // "endstream" ends with the same word; what follows is no stream.
    }
  }
  return text
    .join('\n')
    .replace(/\[((?:<[0-9a-f]*>|[-\d. ])*)\] TJ/g, (_all, parts: string) =>
      [...parts.matchAll(/<([0-9a-f]*)>/g)]
        .map(([, hex]) => Buffer.from(hex ?? '', 'hex').toString('latin1'))
        .join(''),
    );
}

describe('renderLabelPdf', () => {
  test('gives the same bytes for the same data, whenever it is asked', async () => {
    jest.useFakeTimers({ now: new Date('2010-12-01T08:26:00Z'), doNotFake: ['nextTick', 'setImmediate'] });
    const first = await renderLabelPdf(data);
    jest.setSystemTime(new Date('2026-11-23T00:00:00Z'));
    const second = await renderLabelPdf({ ...data });
    jest.useRealTimers();
    expect(digest(second)).toBe(digest(first));
  });

  test('gives other bytes when anything on the label changes', async () => {
    const original = digest(await renderLabelPdf(data));
    const changed = [
      { ...data, trackingNumber: '9400100110368068953229' },
      { ...data, to: { ...data.to, line1: '13 Example Street' } },
      { ...data, weightGrams: 1241 },
      { ...data, reference: null },
    ];
    for (const label of changed) expect(digest(await renderLabelPdf(label))).not.toBe(original);
  });

  test('is one page of 4 × 6 inches that shows every line and says that it pays for nothing', async () => {
    const pdf = await renderLabelPdf(data);
    expect(pdf.toString('latin1')).toContain('/MediaBox [0 0 288 432]');
    expect(pdf.toString('latin1').match(/\/Type \/Page\b/g)).toHaveLength(1);
    const text = pageText(pdf);
    const shown = [
      NOT_VALID,
      'USPS',
      'Ground Advantage',
      data.trackingNumber,
      '1.240 kg',
      'order:demo:label:1',
    ];
    for (const line of [...shown, ...addressLines(data.from), ...addressLines(data.to)]) {
      expect(text).toContain(line);
    }
  });

  test('prints letters that its font lacks without their marks, or as a question mark', async () => {
    const text = pageText(await renderLabelPdf({ ...data, to: { ...data.to, name: 'Zoë Čapek 東' } }));
    expect(text).toContain('Zoë Capek ?');
  });

  test('refuses a tracking number that a Code 128 cannot carry', async () => {
    await expect(renderLabelPdf({ ...data, trackingNumber: '94001…' })).rejects.toThrow(RangeError);
    await expect(renderLabelPdf({ ...data, trackingNumber: '' })).rejects.toThrow(RangeError);
  });
});

describe('renderLabelZpl', () => {
  test('is one label with the tracking number as a Code 128', () => {
    const zpl = renderLabelZpl(data);
    expect(zpl.startsWith('^XA\n')).toBe(true);
    expect(zpl.endsWith('^XZ\n')).toBe(true);
    expect(zpl).toMatch(/\^BCN,230,Y,N,N,A\^FH\^FD9400100110368068953228\^FS/);
    expect(zpl).toContain(NOT_VALID);
    expect(renderLabelZpl({ ...data })).toBe(zpl);
  });

  test('lets no field end itself, begin a command or lose its letters', () => {
    const line1 = '1 Way^FS^XZ~JA_é';
    const zpl = renderLabelZpl({ ...data, to: { ...data.to, line1 } });
    expect(zpl).toContain('^FD1 Way_5EFS_5EXZ_7EJA_5F_C3_A9^FS');
    expect(zpl.match(/\^XZ/g)).toHaveLength(1);
  });

  test('refuses a tracking number that a Code 128 cannot carry', () => {
    expect(() => renderLabelZpl({ ...data, trackingNumber: 'ü' })).toThrow(RangeError);
  });
});

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
