/**
 * The form of API keys: `qs_live_` or `qs_test_` and 256 random bits in base64url. The prefix is what
 * secret scanners look for. A key is shown once, when it is made; what is stored is its SHA-256 (a slow
 * hash would protect nothing: 256 random bits can't be guessed).
 */
import { createHash, randomBytes } from 'node:crypto';

const KEY_BITS = 256;
const KEY = /^qs_(live|test)_[A-Za-z0-9_-]{43}$/;
/** `qs_live_` and eight characters: enough to tell keys apart in a list, too little to guess the rest. */
const SHOWN_LENGTH = 16;

export interface MintedKey {
  /** The secret itself. */
  readonly key: string;
  readonly prefix: string;
  readonly sha256: Buffer;
}

export function mintApiKey(kind: 'live' | 'test'): MintedKey {
  const key = `qs_${kind}_${randomBytes(KEY_BITS / 8).toString('base64url')}`;
  return { key, prefix: key.slice(0, SHOWN_LENGTH), sha256: sha256Of(key) };
}

/** Whether this can be a key at all; spares the database what can't. */
export function isApiKey(text: string): boolean {
  return KEY.test(text);
}

export function sha256Of(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
