/**
 * Which port a server listens on. A port that somebody asked for is that port or an error that says
 * what to do; a default that is busy is replaced by a free one and said. All servers that these
 * ports are for listen on loopback. Ports handed out are remembered, so that two servers which
 * start at the same time don't get the same free one; another process can still be faster, so a
 * server that fails to bind is started again on a new port by whoever chose it.
 */
import { connect, createServer } from 'node:net';
import { hasCode } from './processes';

const LOOPBACK = '127.0.0.1';

// On loopback a connection is accepted or refused at once; a silent drop only comes from a firewall.
const CONNECT_TIMEOUT_MS = 500;

const handedOut = new Set<number>();

/** A port that was asked for explicitly is taken. */
export class PortBusyError extends Error {
  override readonly name = 'PortBusyError';
}

export interface PortWish {
  /** Who wants it, for messages: "the API". */
  readonly name: string;
  /** Taken when free. */
  readonly preferred: number;
  /** Asked for explicitly; busy is then an error. Its `from` names the flag or variable. */
  readonly asked?: { readonly port: number; readonly from: string };
  readonly log: (line: string) => void;
}

/** The port for a server on loopback. Throws `PortBusyError` when the one asked for is taken. */
export async function choosePort(wish: PortWish): Promise<number> {
  if (wish.asked !== undefined) {
    const { port, from } = wish.asked;
    if (await isPortFree(port)) return reserve(port);
    throw new PortBusyError(
      `port ${port} for ${wish.name}, asked for by ${from}, is busy; stop what listens there` +
        ` (lsof -i :${port} names it), or ask for another, or leave ${from} out to get a free one`,
    );
  }
  if (!handedOut.has(wish.preferred) && (await isPortFree(wish.preferred))) return reserve(wish.preferred);
  const port = await freePort();
  wish.log(`port ${wish.preferred} is busy; ${wish.name} listens on ${port} instead`);
  return port;
}

/** A port that is free on loopback now and was not handed out by this process before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await portFromSystem();
    if (!handedOut.has(port)) return reserve(port);
  }
}

/** True when nobody listens on the port on loopback and we could. */
export async function isPortFree(port: number): Promise<boolean> {
  // Binding alone is no proof: macOS lets 127.0.0.1 be bound beside a listener on all addresses.
  return !(await isListening(port)) && (await bindable(port));
}

function reserve(port: number): number {
  handedOut.add(port);
  return port;
}

function portFromSystem(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, LOOPBACK, () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port from the system'));
        else resolve(address.port);
      });
    });
  });
}

function bindable(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      // EACCES: a privileged port, which is as unusable as a busy one.
      if (hasCode(error, 'EADDRINUSE') || hasCode(error, 'EACCES')) resolve(false);
      else reject(error);
    });
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
  });
}

/** True when something on loopback accepts connections on the port. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK });
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => finish(false));
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}
