/**
 * Encrypts every payload that Temporal keeps: inputs, results, signals, memos and summaries. AES-256-GCM
 * with a fresh nonce a payload; the key's id travels in the metadata, so several keys can be valid at
 * once: the first encrypts, all decrypt. To rotate, put a new key first and keep the old one until no
 * history under it is left. A payload that none of our keys encrypted passes unchanged (the server's own,
 * and histories from before the codec); one that names a key we don't have, or that was tampered with,
 * throws, and the workflow task fails visibly instead of running on rubbish.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';

const ENCODING = 'binary/encrypted';
/** 96 bits is what GCM is specified for (NIST SP 800-38D, 8.2); other lengths only cost time. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

export interface CodecKey {
  /** Plain text in every payload's metadata; never reused for another key. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

/**
 * @param keys the first encrypts, all decrypt.
 * @throws RangeError when there is none, an id is doubled, or a key has not 32 bytes.
 */
export function createPayloadCodec(keys: readonly CodecKey[]): PayloadCodec {
  const [current] = keys;
  if (current === undefined) throw new RangeError('the payload codec needs a key');
  for (const { id, key } of keys) {
    if (id === '' || key.length !== KEY_BYTES)
      throw new RangeError(`codec key "${id}" has not ${KEY_BYTES} bytes`);
  }
  const byId = new Map(keys.map((entry) => [entry.id, entry.key]));
  if (byId.size !== keys.length) throw new RangeError('two codec keys share an id');
  return {
    encode: async (payloads) => payloads.map((payload) => encrypt(payload, current)),
    decode: async (payloads) => payloads.map((payload) => decrypt(payload, byId)),
  };
}

function encrypt(payload: Payload, { id, key }: CodecKey): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  // Binds the key's id, so that swapping it is noticed. Nothing else is known here on both sides.
  cipher.setAAD(Buffer.from(id, 'utf8'));
  const sealed = Buffer.concat([cipher.update(frame(payload)), cipher.final()]);
  return {
    metadata: { encoding: Buffer.from(ENCODING), 'encryption-key-id': Buffer.from(id, 'utf8') },
    data: Buffer.concat([nonce, sealed, cipher.getAuthTag()]),
  };
}

function decrypt(payload: Payload, keys: ReadonlyMap<string, Buffer>): Payload {
  const { encoding } = payload.metadata ?? {};
  if (encoding === undefined || Buffer.from(encoding).toString('utf8') !== ENCODING) return payload;
  const id = Buffer.from(payload.metadata?.['encryption-key-id'] ?? []).toString('utf8');
  const key = keys.get(id);
  if (key === undefined) throw new Error(`a payload was encrypted with key "${id}", which is not configured`);
  const data = Buffer.from(payload.data ?? []);
  const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, NONCE_BYTES), {
    // Without it a shorter tag would be accepted too.
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(id, 'utf8'));
  decipher.setAuthTag(data.subarray(-TAG_BYTES));
  const opened = Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  return unframe(opened);
}

/** Length of the metadata as JSON (four bytes, big endian), that JSON with its values in base64, the data. */
function frame(payload: Payload): Buffer {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(payload.metadata ?? {}))
    metadata[name] = Buffer.from(value).toString('base64');
  const head = Buffer.from(JSON.stringify(metadata), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, Buffer.from(payload.data ?? [])]);
}

function unframe(bytes: Buffer): Payload {
  const headEnd = 4 + bytes.readUInt32BE(0);
  const head = JSON.parse(bytes.subarray(4, headEnd).toString('utf8')) as Record<string, string>;
  const metadata: Record<string, Uint8Array> = {};
  for (const [name, value] of Object.entries(head)) metadata[name] = Buffer.from(value, 'base64');
  return { metadata, data: bytes.subarray(headEnd) };
}
