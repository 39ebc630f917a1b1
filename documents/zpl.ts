/**
 * The same label as ZPL II, for thermal printers of 203 dots an inch. Pure text, the same for the same
 * data. Field data are sent hex-escaped (`^FH`), so no name or street can end a field or begin a
 * command; the printer is told that the rest is UTF-8 (`^CI28`).
 */
import { addressLines, type LabelData, NOT_VALID } from './label';

const DOTS_PER_INCH = 203;
const WIDTH = 4 * DOTS_PER_INCH;
const HEIGHT = 6 * DOTS_PER_INCH;
const MARGIN = 40;
/** Font 0 is about half as wide as it is high; what is longer would run off the label. */
const WIDTH_OF_LETTER = 0.5;
/** Up to this length a Code 128 of two dots a module fits the label: (11 × 32 + 35) × 2 = 774 of 812 dots. */
const LONGEST_AT_TWO_DOTS = 32;

/** @returns one label, `^XA` to `^XZ`. @throws RangeError when the tracking number can't be a Code 128. */
export function renderLabelZpl(data: LabelData): string {
  if (!/^[\x20-\x7e]{1,40}$/.test(data.trackingNumber)) {
    throw new RangeError('not a number that Code 128 can carry here');
  }
  const moduleDots = data.trackingNumber.length > LONGEST_AT_TWO_DOTS ? 1 : 2;
  const fields = [
    text(MARGIN, 20, 28, NOT_VALID),
    text(MARGIN, 70, 60, data.carrier),
    text(MARGIN, 140, 34, data.service),
    ...addressLines(data.from).map((line, index) => text(MARGIN, 200 + index * 26, 22, line)),
    `^FO0,380^GB${WIDTH},3,3^FS`,
    ...addressLines(data.to).map((line, index) => text(MARGIN, 410 + index * 46, 40, line)),
    `^FO0,720^GB${WIDTH},6,6^FS`,
    // Code 128, 230 dots high, human readable line below, automatic code set.
    `^FO${MARGIN},760^BY${moduleDots}^BCN,230,Y,N,N,A^FH^FD${escaped(data.trackingNumber)}^FS`,
    text(MARGIN, 1090, 26, `Weight ${(data.weightGrams / 1000).toFixed(3)} kg`),
    ...(data.reference === null ? [] : [text(MARGIN, 1130, 22, `Ref ${data.reference}`)]),
  ];
  return ['^XA', '^CI28', `^PW${WIDTH}`, `^LL${HEIGHT}`, ...fields, '^XZ', ''].join('\n');
}

function text(x: number, y: number, height: number, value: string): string {
  const longest = Math.floor((WIDTH - x) / (height * WIDTH_OF_LETTER));
  return `^FO${x},${y}^A0N,${height},${height}^FH^FD${escaped([...value].slice(0, longest).join(''))}^FS`;
}

/** Printable ASCII but `^`, `~` and `_` stays; every other byte of the UTF-8 form becomes `_XX`. */
function escaped(value: string): string {
  return [...Buffer.from(value, 'utf8')]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && !'^~_'.includes(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `_${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');
}
