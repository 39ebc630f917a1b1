/** Secrets at rest: readable with their key and with nothing else. */
import { randomBytes } from 'node:crypto';
import { seal, sealSecrets, unseal, unsealSecrets } from '../../../db/sealed';

const key = (id: string) => ({ id, key: randomBytes(32) });

test('what was sealed is unsealed, and two seals of one text share nothing', () => {
  const keys = [key('a')];
  const one = seal(keys, 'secret');
  const two = seal(keys, 'secret');
  expect(unseal(keys, one).toString()).toBe('secret');
  expect(one.includes('secret')).toBe(false);
  expect(one.subarray(3).equals(two.subarray(3))).toBe(false);
});

test('an older key still unseals after a new one came in front; without it the error names it, not its bytes', () => {
  const [old, fresh] = [key('old'), key('new')];
  const sealed = sealSecrets([old], { token: 'x' });
  expect(unsealSecrets([fresh, old], sealed)).toEqual({ token: 'x' });
  expect(() => unseal([fresh], sealed)).toThrow(/needs key "old"/);
});

test('any changed, cut or added byte is noticed', () => {
  const keys = [key('a')];
  const sealed = seal(keys, 'secret');
  for (let index = 0; index < sealed.length; index += 1) {
    const changed = Buffer.from(sealed);
    changed[index] = (changed[index] as number) ^ 1;
    expect(() => unseal(keys, changed)).toThrow();
  }
  for (let length = 0; length < sealed.length; length += 1) {
    expect(() => unseal(keys, sealed.subarray(0, length))).toThrow();
  }
  expect(() => unseal(keys, Buffer.concat([sealed, Buffer.from([0])]))).toThrow();
});

test('two keys of the same name and other bytes don’t read each other’s secrets', () => {
  expect(() => unseal([key('a')], seal([key('a')], 'secret'))).toThrow(/changed/);
});
