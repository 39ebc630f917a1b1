/**
 * Secrets at rest: AES-256-GCM by the process's keys, so that a database dump gives away no partner's
 * credentials. The first key seals; every listed key unseals, so a key is rotated by putting the new
 * one in front and dropping the old one after everything was sealed anew.
 *
 * Layout: version (1 byte, 1) | length of key id (1 byte) | key id | nonce (12) | tag (16) | ciphertext.
 * Version, key id and its length are authenticated with the ciphertext.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Failure } from '../domain/failure-types';

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface SealingKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

/** The first seals, all unseal. */
export type SealingKeys = readonly SealingKey[];

/** Seals bytes or text with the first key. */
export function seal(keys: SealingKeys, plaintext: string | Buffer): Buffer {
  const [current] = keys;
  if (current === undefined) throw new Failure('InvalidInput', 'there is no encryption key');
  const id = Buffer.from(current.id, 'utf8');
  const header = Buffer.concat([Buffer.from([VERSION, id.length]), id]);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', current.key, nonce);
  cipher.setAAD(header);
  const ciphertext = Buffer.concat([cipher.update(plaintext as Buffer), cipher.final()]);
  return Buffer.concat([header, nonce, cipher.getAuthTag(), ciphertext]);
}

/** @throws Failure InvariantBroken when the bytes were changed, or sealed by a key that isn't listed. */
export function unseal(keys: SealingKeys, sealed: Buffer): Buffer {
  const idLength = sealed[1] ?? 0;
  const headerLength = 2 + idLength;
  if (sealed[0] !== VERSION || sealed.length < headerLength + NONCE_BYTES + TAG_BYTES) {
    throw new Failure('InvariantBroken', 'a sealed value has no known form');
  }
  const header = sealed.subarray(0, headerLength);
  const id = header.subarray(2).toString('utf8');
  const found = keys.find((key) => key.id === id);
  if (found === undefined) {
    throw new Failure(
      'InvariantBroken',
      `a sealed value needs key "${id}", which this process does not have`,
    );
  }
  const nonce = sealed.subarray(headerLength, headerLength + NONCE_BYTES);
  const tag = sealed.subarray(headerLength + NONCE_BYTES, headerLength + NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', found.key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(header);
  decipher.setAuthTag(tag);
  try {
    return Buffer.concat([
      decipher.update(sealed.subarray(headerLength + NONCE_BYTES + TAG_BYTES)),
      decipher.final(),
    ]);
  } catch (cause) {
    throw new Failure('InvariantBroken', 'a sealed value was changed', {}, { cause });
  }
}

/** Seals named secrets, as connections and accounts keep them. */
export function sealSecrets(keys: SealingKeys, secrets: Readonly<Record<string, string>>): Buffer {
  return seal(keys, JSON.stringify(secrets));
}

/** @throws Failure InvariantBroken like `unseal`. */
export function unsealSecrets(keys: SealingKeys, sealed: Buffer): Readonly<Record<string, string>> {
  return JSON.parse(unseal(keys, sealed).toString('utf8')) as Record<string, string>;
}
