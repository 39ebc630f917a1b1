/**
 * JSON as the API reads it, from raw bytes: UTF-8 or nothing, no NUL, no half of a surrogate pair, no
 * key twice (two readers of one document must not see two things), no `__proto__`, no nesting beyond 32.
 * Whole numbers beyond 2^53 stay exact, as strings of their digits. Everything else is refused with one
 * problem, `malformed-body`.
 */
import { parseExactJson } from '../contracts/exact-json';
import { ProblemError } from './problem';

/** No body of ours nests deeper than 6; deep nesting only serves to exhaust a reader's stack. */
const MAX_DEPTH = 32;

/** A string, or a bracket; on valid JSON nothing else opens or closes anything. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]/gs;
/** With the `u` flag a surrogate matches only when its partner is missing. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** @throws ProblemError malformed-body. */
export function readStrictJson(bytes: Buffer): unknown {
  let text: string;
  try {
    // `ignoreBOM: true` keeps a byte order mark, which JSON doesn't allow (RFC 8259, 8.1).
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed('The body is not UTF-8.');
  }
  if (text.includes('\0')) throw malformed('The body contains NUL.');
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch {
    throw malformed('The body is not JSON.');
  }
  inspect(text);
  return value;
}

/** Walks the tokens of a text that is known to be JSON. */
function inspect(text: string): void {
  // One entry a nesting level: the keys seen in an object, null in an array.
  const levels: (Set<string> | null)[] = [];
  let expectsKey = false;
  for (const [token] of text.matchAll(TOKEN)) {
    switch (token) {
      case '{':
      case '[':
        if (levels.length === MAX_DEPTH) throw malformed(`The body nests deeper than ${MAX_DEPTH}.`);
        levels.push(token === '{' ? new Set() : null);
        expectsKey = token === '{';
        break;
      case '}':
      case ']':
        levels.pop();
        expectsKey = false;
        break;
      case ',':
        expectsKey = levels.at(-1) instanceof Set;
        break;
      case ':':
        expectsKey = false;
        break;
      default:
        inspectString(token, expectsKey ? (levels.at(-1) ?? null) : null);
    }
  }
}

function inspectString(token: string, keys: Set<string> | null): void {
  const plain = !token.includes('\\');
  const text = plain ? token.slice(1, -1) : (JSON.parse(token) as string);
  // Bytes that are UTF-8 can't hold these; escapes can.
  if (!plain && text.includes('\0')) throw malformed('The body contains NUL.');
  if (!plain && LONE_SURROGATE.test(text)) throw malformed('The body contains half of a surrogate pair.');
  if (keys === null) return;
  if (text === '__proto__') throw malformed('The body has a key "__proto__".');
  if (keys.has(text)) throw malformed('The body has a key twice.');
  keys.add(text);
}

function malformed(detail: string): ProblemError {
  return new ProblemError('malformed-body', { detail });
}
