import { createServer, type Server } from 'node:net';
import { choosePort, freePort, isPortFree, PortBusyError } from '../../provision/ports';

const servers: Server[] = [];
const log: string[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  log.length = 0;
});

async function occupy(host: string): Promise<number> {
  const server = createServer();
  servers.push(server);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return port;
}

const wish = { name: 'the API', log: (line: string) => log.push(line) };

test('a port is busy whether its listener is on loopback or on all addresses', async () => {
  expect(await isPortFree(await occupy('127.0.0.1'))).toBe(false);
  expect(await isPortFree(await occupy('0.0.0.0'))).toBe(false);
  expect(await isPortFree(await freePort())).toBe(true);
});

test('a free default is taken in silence, a busy one is replaced by a free one and said', async () => {
  const free = await freePort();
  const other = await choosePort({ ...wish, preferred: free });
  // Handed out by freePort before, so somebody of this process is about to listen there.
  expect(other).not.toBe(free);
  const busy = await occupy('127.0.0.1');
  log.length = 0;
  const port = await choosePort({ ...wish, preferred: busy });
  expect(await isPortFree(port)).toBe(true);
  expect(log).toEqual([`port ${busy} is busy; the API listens on ${port} instead`]);
});

test('a port that was asked for is that one, or an error that says who asked and what to do', async () => {
  const free = await freePort();
  expect(await choosePort({ ...wish, preferred: 1, asked: { port: free, from: '--ports api=' } })).toBe(free);
  const busy = await occupy('127.0.0.1');
  const refused = choosePort({ ...wish, preferred: 1, asked: { port: busy, from: `--ports api=${busy}` } });
  await expect(refused).rejects.toThrow(PortBusyError);
  await expect(refused).rejects.toThrow(
    new RegExp(`port ${busy} for the API, asked for by --ports api=${busy}, is busy; .*lsof`),
  );
  expect(log).toEqual([]);
});

test('servers that start at the same time get different ports', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, freePort));
  expect(new Set(ports).size).toBe(50);
});
