import { randomBytes } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import { type CodecEndpoint, startCodecEndpoint } from '../../temporal/codec-endpoint';
import { createPayloadCodec } from '../../temporal/payload-codec';

const [oldKey, newKey] = [
  { id: 'old', key: randomBytes(32) },
  { id: 'new', key: randomBytes(32) },
];
const plain: Payload = {
  metadata: { encoding: Buffer.from('json/plain'), messageType: Buffer.from('ü') },
  data: Buffer.from('{"note":"hello"}'),
};
const text = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('utf8');

const shown = (payload: Payload | undefined) => ({
  data: text(payload?.data),
  metadata: Object.fromEntries(
    Object.entries(payload?.metadata ?? {}).map(([name, value]) => [name, text(value)]),
  ),
});

test('a payload comes back as it was, metadata included, and is unreadable in between', async () => {
  const codec = createPayloadCodec([newKey]);
  const [sealed] = await codec.encode([plain]);
  expect(shown(sealed).metadata).toEqual({ encoding: 'binary/encrypted', 'encryption-key-id': 'new' });
  expect(text(sealed?.data)).not.toContain('hello');
  expect(shown((await codec.decode([sealed as Payload]))[0])).toEqual(shown(plain));
});

test('equal payloads are encrypted differently', async () => {
  const [one, two] = await createPayloadCodec([newKey]).encode([plain, plain]);
  expect(Buffer.from(one?.data ?? []).equals(Buffer.from(two?.data ?? []))).toBe(false);
});

test('after a rotation the new key encrypts and the old one still decrypts', async () => {
  const [before] = await createPayloadCodec([oldKey]).encode([plain]);
  const rotated = createPayloadCodec([newKey, oldKey]);
  const [after] = await rotated.encode([plain]);
  expect(shown(after).metadata['encryption-key-id']).toBe('new');
  for (const payload of await rotated.decode([before as Payload, after as Payload]))
    expect(shown(payload)).toEqual(shown(plain));
  await expect(createPayloadCodec([newKey]).decode([before as Payload])).rejects.toThrow('"old"');
});

test('a payload that was tampered with is refused, whatever was changed', async () => {
  const codec = createPayloadCodec([newKey, oldKey]);
  const [sealed] = await codec.encode([plain]);
  const data = Buffer.from(sealed?.data ?? []);
  for (const at of [0, 20, data.length - 1]) {
    const bent = Buffer.from(data);
    bent[at] = (bent[at] as number) ^ 1;
    await expect(codec.decode([{ ...sealed, data: bent } as Payload])).rejects.toThrow();
  }
  const otherKey = { ...sealed?.metadata, 'encryption-key-id': Buffer.from('old') };
  await expect(codec.decode([{ metadata: otherKey, data } as Payload])).rejects.toThrow();
});

test('what nobody encrypted passes unchanged', async () => {
  expect((await createPayloadCodec([newKey]).decode([plain]))[0]).toBe(plain);
});

test('keys that can not work are refused at once', () => {
  expect(() => createPayloadCodec([])).toThrow(RangeError);
  expect(() => createPayloadCodec([{ id: 'short', key: randomBytes(16) }])).toThrow(RangeError);
  expect(() => createPayloadCodec([newKey, { ...oldKey, id: 'new' }])).toThrow(RangeError);
});

describe('the codec endpoint', () => {
  const codec = createPayloadCodec([newKey]);
  const origin = 'http://127.0.0.1:8233';
  let endpoint: CodecEndpoint;
  beforeAll(async () => {
    endpoint = await startCodecEndpoint({ codec, token: 'let-me-in', uiOrigin: origin, port: 0 });
  });
  afterAll(() => endpoint.close());

  const wire = (payload: Payload | undefined) => ({
    metadata: Object.fromEntries(
      Object.entries(payload?.metadata ?? {}).map(([name, value]) => [
        name,
        Buffer.from(value).toString('base64'),
      ]),
    ),
    data: Buffer.from(payload?.data ?? []).toString('base64'),
  });
  const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(url, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers });

  test('decrypts for the UI, which has the token in its address', async () => {
    const [sealed] = await codec.encode([plain]);
    const answer = await post(`${endpoint.url}/decode`, { payloads: [wire(sealed)] }, { origin });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    expect(await answer.json()).toEqual({ payloads: [wire(plain)] });
  });

  test('encrypts for the UI, so that a person can send a signal from there', async () => {
    const bare = endpoint.url.replace('/let-me-in', '');
    const answer = await post(
      `${bare}/encode`,
      { payloads: [wire(plain)] },
      { authorization: 'Bearer let-me-in', 'x-namespace': 'default' },
    );
    const { payloads } = (await answer.json()) as {
      payloads: { metadata: Record<string, string>; data: string }[];
    };
    const metadata = Object.fromEntries(
      Object.entries(payloads[0]?.metadata ?? {}).map(([name, value]) => [
        name,
        Buffer.from(value, 'base64'),
      ]),
    );
    const sealed = { metadata, data: Buffer.from(payloads[0]?.data ?? '', 'base64') };
    expect(shown((await codec.decode([sealed as Payload]))[0])).toEqual(shown(plain));
  });

  test('lets nobody in without the token', async () => {
    const bare = endpoint.url.replace('/let-me-in', '');
    for (const url of [`${bare}/decode`, `${bare}/wrong/decode`, `${bare}//decode`])
      expect((await post(url, { payloads: [] })).status).toBe(401);
    const wrong = await post(`${bare}/decode`, { payloads: [] }, { authorization: 'Bearer nope' });
    expect(wrong.status).toBe(401);
  });

  test('lets no other page of the browser in', async () => {
    const answer = await post(`${endpoint.url}/decode`, { payloads: [] }, { origin: 'https://evil.example' });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    const asked = await fetch(`${endpoint.url}/decode`, {
      method: 'OPTIONS',
      headers: { origin: 'http://localhost:8233', 'access-control-request-method': 'POST' },
    });
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe('http://localhost:8233');
  });

  test('says what is wrong with a body instead of failing', async () => {
    expect((await post(`${endpoint.url}/decode`, 'no json')).status).toBe(400);
    expect((await post(`${endpoint.url}/decode`, { payloads: 7 })).status).toBe(400);
    expect((await post(`${endpoint.url}/other`, { payloads: [] })).status).toBe(404);
    const [foreign] = await createPayloadCodec([oldKey]).encode([plain]);
    expect((await post(`${endpoint.url}/decode`, { payloads: [wire(foreign)] })).status).toBe(422);
  });
});
