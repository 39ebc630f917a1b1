import { httpExchange } from '../../connectors/http';
import { createGuardedDispatcher, isPublicAddress } from '../../connectors/outgoing-guard';
import { createSimulatorServer, type Simulator } from '../../simulators/simulator-server';

let inside: Simulator;
beforeAll(async () => {
  inside = await createSimulatorServer({
    name: 'inside',
    routes: (app) => {
      app.get('/', (_req, res) => void res.json({ secret: true }));
    },
  });
});
afterAll(() => inside.close());

const call = (url: string, allowed: readonly string[] = []) =>
  httpExchange({
    url,
    method: 'GET',
    timeoutMs: 2_000,
    write: false,
    dispatcher: createGuardedDispatcher(allowed, 1_000),
  });

describe('guarded calls', () => {
  it.each([
    '127.0.0.1',
    '127.1',
    '0177.0.0.1',
    '0x7f000001',
    '2130706433',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    'localhost',
    '10.1.2.3',
    '169.254.169.254',
    '192.168.1.1',
    '100.64.0.1',
    '[fd00::1]',
    '[fe80::1]',
  ])('refuse https://%s, and nothing is sent', async (host) => {
    await expect(call(`https://${host}:${inside.port}/`)).rejects.toMatchObject({
      type: 'PartnerRejected',
      details: { code: 'ADDRESS_NOT_ALLOWED' },
    });
  });

  it('refuse http to anywhere that is not listed', async () => {
    await expect(call('http://shop.example.com/')).rejects.toMatchObject({ type: 'PartnerRejected' });
    await expect(call(inside.url)).rejects.toMatchObject({ type: 'PartnerRejected' });
  });

  it('reach what the process lists, by exactly that host and port', async () => {
    const listed = [`127.0.0.1:${inside.port}`];
    expect((await call(inside.url, listed)).json).toEqual({ secret: true });
    await expect(call(`http://localhost:${inside.port}/`, listed)).rejects.toMatchObject({
      type: 'PartnerRejected',
    });
    await expect(call('http://127.0.0.1:1/', listed)).rejects.toMatchObject({ type: 'PartnerRejected' });
  });

  it('public addresses are told from all others', () => {
    for (const address of ['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111'])
      expect(isPublicAddress(address)).toBe(true);
    for (const address of [
      '224.0.0.1',
      '255.255.255.255',
      '2002:7f00:1::',
      '2001:db8::1',
      '::',
      'example.com',
    ]) {
      expect(isPublicAddress(address)).toBe(false);
    }
  });
});
