import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  CarrierAccount,
  CarrierAddress,
  CarrierShipment,
  ShipmentRequest,
} from '../../../../connectors/carriers/port';
import { Failure } from '../../../../domain/failure-types';
import { DEMO_API_KEY } from '../../../../simulators/easypost';

export const demoAddress: CarrierAddress = {
  name: 'Demo Recipient',
  company: null,
  line1: '12 Example Street',
  line2: 'Apt 3',
  city: 'Springfield',
  region: 'IL',
  postalCode: '62701',
  country: 'US',
  phone: '5550100',
  email: 'recipient@customer.example',
};

export function accountOf(url: string, timeoutMs = 2_000): CarrierAccount {
  return { accountId: 'demo', baseUrl: url, credentials: { apiKey: DEMO_API_KEY }, timeoutMs };
}

let seq = 0;

/** A request under a reference that no other test uses. */
export function shipmentRequest(to: Partial<CarrierAddress> = {}): ShipmentRequest {
  seq += 1;
  return {
    reference: `order:demo:shop:${process.pid}-${seq}:label:1`,
    from: { ...demoAddress, name: 'Demo Warehouse', line1: '1 Demo Way', line2: null },
    to: { ...demoAddress, ...to },
    parcel: { weightGrams: 436, lengthMm: 254, widthMm: 203, heightMm: 101 },
  };
}

/** The id of the rate that costs least. */
export function cheapest(shipment: CarrierShipment): string {
  const [first] = [...shipment.rates].sort((a, b) => Number(a.amountMinor - b.amountMinor));
  if (first === undefined) throw new Error('no rates');
  return first.externalRateId;
}

/** The failure that a call ends with. @throws when it succeeds or ends with anything else. */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const outcome = await call.then(
    (value) =>
      new Error(
        `succeeded with ${JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? String(part) : part))}`,
      ),
    (error: unknown) => error,
  );
  if (outcome instanceof Failure) return outcome;
  throw outcome;
}

export interface CannedServer {
  readonly url: string;
  readonly requests: string[];
  close(): Promise<void>;
}

/** A partner that answers what it is told, for answers that the simulator never gives. */
export async function cannedServer(
  respond: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<CannedServer> {
  const requests: string[] = [];
  const server: Server = createServer((req, res) => {
    requests.push(`${req.method} ${req.url}`);
    respond(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}) {
  return (_req: unknown, res: ServerResponse): void => {
    res.writeHead(status, { 'content-type': 'application/json', ...headers });
    res.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}
