/**
 * Reads what an inbox shows out of a message's source: decoded headers and the text and HTML parts
 * (RFC 5322, 2045 to 2047, as far as mail programs of today write it). Pure; what it does not understand
 * it leaves as it is, for an inbox shows a strange message rather than losing it.
 */
export interface ReadMessage {
  readonly messageId: string | null;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string | null;
  readonly html: string | null;
}

/** A multipart inside a multipart inside … : nobody nests deeper, and a loop must end. */
const DEEPEST_PART = 10;

/** @param source the message's bytes, header first. Never throws. */
export function readMessage(source: Buffer): ReadMessage {
  const message = source.toString('latin1');
  const { headers, body } = split(message);
  const parts = { text: null as string | null, html: null as string | null };
  readPart(headers, body, parts, 0);
  return {
    messageId: headers.get('message-id') ?? null,
    from: decodeWords(headers.get('from') ?? ''),
    to: decodeWords(headers.get('to') ?? ''),
    subject: decodeWords(headers.get('subject') ?? ''),
    ...parts,
  };
}

type Headers = ReadonlyMap<string, string>;

function split(part: string): { headers: Headers; body: string } {
  const end = /\r?\n\r?\n/.exec(part);
  const head = end ? part.slice(0, end.index) : part;
  const headers = new Map<string, string>();
  for (const line of head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { headers, body: end ? part.slice(end.index + end[0].length) : '' };
}

function readPart(
  headers: Headers,
  body: string,
  parts: { text: string | null; html: string | null },
  depth: number,
): void {
  const type = headers.get('content-type') ?? 'text/plain';
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (/^multipart\//i.test(type) && boundary !== undefined && depth < DEEPEST_PART) {
    for (const piece of body.split(`--${boundary}`).slice(1)) {
      if (piece.startsWith('--')) return;
      const inner = split(piece.replace(/^\r?\n/, '').replace(/\r?\n$/, ''));
      readPart(inner.headers, inner.body, parts, depth + 1);
    }
    return;
  }
  const text = decodeBody(body, headers.get('content-transfer-encoding') ?? '7bit');
  if (/^text\/html/i.test(type)) parts.html ??= text;
  else if (/^text\/plain/i.test(type)) parts.text ??= text;
}

/** All text is taken for UTF-8, which is also right for plain ASCII. */
function decodeBody(body: string, encoding: string): string {
  switch (encoding.toLowerCase()) {
    case 'base64':
      return Buffer.from(body, 'base64').toString('utf8');
    case 'quoted-printable':
      return quotedPrintable(body.replace(/=\r?\n/g, ''));
    default:
      return Buffer.from(body, 'latin1').toString('utf8');
  }
}

function quotedPrintable(text: string): string {
  const bytes = text.replace(/=([0-9A-Fa-f]{2})/g, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Encoded words of a header; the space between two of them belongs to neither. */
function decodeWords(value: string): string {
  return Buffer.from(value, 'latin1')
    .toString('utf8')
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?[\w-]+\?([BbQq])\?([^?]*)\?=/g, (_all, kind: string, text: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(text, 'base64').toString('utf8')
        : quotedPrintable(text.replace(/_/g, ' ')),
    );
}
