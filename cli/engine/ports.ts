/** Which ports the engine's parts listen on: those asked for, else those of the last run, else the usual ones. */
import { choosePort, freePort, isPortFree } from '../../provision/ports';
import { pause } from '../../provision/processes';
import { CommandError } from '../command-error';
import { loadPorts, savePorts } from '../data-dir';

export const PORTS = {
  api: { usual: 8080, of: 'the API' },
  ui: { usual: 8233, of: 'the Temporal UI' },
  temporal: { usual: 7233, of: 'the Temporal server' },
  postgres: { usual: 5433, of: 'Postgres' },
  codec: { usual: 8081, of: 'the decryption endpoint of the Temporal UI' },
  shop: { usual: 9101, of: 'the simulated Shopify shop' },
  'webhook-shop': { usual: 9102, of: 'the simulated webhook shop' },
  carrier: { usual: 9103, of: 'the simulated EasyPost' },
  mail: { usual: 9104, of: 'the mail inbox' },
  smtp: { usual: 9105, of: 'the mail server' },
  'worker-metrics': { usual: 9106, of: 'the metrics of the worker' },
  'dispatcher-metrics': { usual: 9107, of: 'the metrics of the dispatcher' },
} as const;

export type PortName = keyof typeof PORTS;
export type PortMap = Readonly<Record<PortName, number>>;

/** After a `kill -9` the watchdog gives every process 10 s to go; ports are free within that. */
const LEFTOVERS_GO_WITHIN_MS = 12_000;

/** Reads `api=8080,ui=8233`. @throws CommandError that names what is wrong and which names there are. */
export function parsePorts(text: string): Partial<PortMap> {
  const ports: Partial<Record<PortName, number>> = {};
  for (const entry of text.split(',').filter((part) => part.trim() !== '')) {
    const [name = '', value = ''] = entry.split('=').map((part) => part.trim());
    const port = Number(value);
    if (!Object.hasOwn(PORTS, name) || !/^\d+$/.test(value) || port < 1 || port > 65_535)
      throw new CommandError(
        `--ports: "${entry.trim()}" is not name=port`,
        2,
        `names are ${Object.keys(PORTS).join(', ')}`,
      );
    ports[name as PortName] = port;
  }
  return ports;
}

const SAID_ONE_BY_ONE = 2;

/** Asked for one by one, or `any`: free ones, for an engine that nobody will look for. */
export type PortWishes = Partial<PortMap> | 'any';

/** @throws PortBusyError when a port that was asked for is taken. */
export async function choosePorts(
  dataDir: string,
  wanted: readonly PortName[],
  asked: PortWishes,
  log: (line: string) => void,
): Promise<PortMap> {
  const last = loadPorts(dataDir);
  const chosen: Record<string, number> = { ...last };
  const replaced: string[] = [];
  for (const name of wanted)
    chosen[name] =
      asked === 'any' ? await freePort() : await choose(name, last, asked, (line) => replaced.push(line));
  // Beside another engine all of them are busy; where things are is said below anyway.
  if (replaced.length > SAID_ONE_BY_ONE)
    log(`${replaced.length} of the usual ports are busy; free ones are taken instead`);
  else for (const line of replaced) log(line);
  savePorts(dataDir, chosen);
  return chosen as PortMap;
}

function choose(
  name: PortName,
  last: Readonly<Record<string, number>>,
  asked: Partial<PortMap>,
  log: (line: string) => void,
): Promise<number> {
  const port = asked[name];
  return choosePort({
    name: PORTS[name].of,
    preferred: last[name] ?? PORTS[name].usual,
    ...(port === undefined ? {} : { asked: { port, from: `--ports ${name}=${port}` } }),
    log,
  });
}

/** Waits until what a killed engine started has gone, so that its ports can be taken again. */
export async function waitForPortsOfLastRun(dataDir: string): Promise<void> {
  const ports = Object.values(loadPorts(dataDir));
  const deadline = Date.now() + LEFTOVERS_GO_WITHIN_MS;
  while (Date.now() < deadline) {
    const free = await Promise.all(ports.map(isPortFree));
    if (free.every(Boolean)) return;
    await pause(200);
  }
}
