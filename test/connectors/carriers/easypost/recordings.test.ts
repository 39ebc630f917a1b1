/** The simulator against EasyPost itself, as it was recorded: the same calls, answers of the same shape. */
import { easyPostConnector as easyPost } from '../../../../connectors/carriers/easypost';
import {
  DEMO_API_KEY,
  type EasyPostSimulator,
  startEasyPostSimulator,
} from '../../../../simulators/easypost';
import { itWithSharedData } from '../../../support/shared-data';
import {
  type Cassette,
  differences,
  type Exchange,
  learnTypes,
  pairIds,
  readCassettes,
  type SeenTypes,
  withOurIds,
} from './recordings';
import { accountOf, cannedServer, demoAddress, json } from './support';

/** What the engine uses of EasyPost, and with it the simulator. */
const IN_SCOPE: readonly RegExp[] = [
  /^(GET|POST) \/v2\/+addresses$/,
  /^POST \/v2\/addresses\/create_and_verify$/,
  /^GET \/v2\/addresses\/adr_\w+(\/verify)?$/,
  /^POST \/v2\/(parcels|customs_infos|customs_items)$/,
  /^GET \/v2\/(parcels|customs_infos|customs_items|rates)\/\w+$/,
  /^(GET|POST) \/v2\/shipments$/,
  /^GET \/v2\/shipments\/shp_\w+(\/label)?$/,
  /^POST \/v2\/shipments\/shp_\w+\/(buy|refund|rerate)$/,
  /^(GET|POST) \/v2\/(trackers|scan_forms|refunds)$/,
  /^GET \/v2\/(trackers|scan_forms|refunds)\/\w+$/,
  /^POST \/v2\/trackers\/batch$/,
  /^DELETE \/v2\/trackers\/\w+$/,
  /^(GET|POST) \/v2\/webhooks$/,
  /^(GET|PATCH|DELETE) \/v2\/webhooks\/\w+$/,
];

/** Why a call is none of ours, by the resource it is about. */
const OUT_OF_SCOPE: Readonly<Record<string, string>> = {
  users: 'accounts and child accounts of EasyPost: set up in its own dashboard',
  api_keys: 'accounts and child accounts of EasyPost: set up in its own dashboard',
  carrier_accounts: 'contracts with carriers: set up in its own dashboard',
  carrier_types: 'contracts with carriers: set up in its own dashboard',
  metadata: 'lists of carriers and their services: the rates name what can be bought',
  referral_customers: 'EasyPost for resellers',
  partners: 'EasyPost for resellers',
  credit_cards: 'EasyPost for resellers',
  bank_accounts: 'EasyPost for resellers',
  financial_connections_sessions: 'EasyPost for resellers',
  setup_intents: 'EasyPost for resellers',
  tokens: 'EasyPost for resellers',
  customer_portal: 'EasyPost pages inside other pages',
  embeddables: 'EasyPost pages inside other pages',
  batches: 'batches and orders of shipments: the engine buys parcel by parcel',
  orders: 'batches and orders of shipments: the engine buys parcel by parcel',
  pickups: 'pickups: carriers call at a warehouse every day',
  insurances: 'insurance and claims beyond what a label includes',
  insure: 'insurance and claims beyond what a label includes',
  claims: 'insurance and claims beyond what a label includes',
  end_shippers: 'end shippers: needed by resellers of postage',
  events: 'the log of sent events: what was missed is found by polling trackers',
  reports: 'reports by CSV',
  luma: 'choice of the service by EasyPost: the engine shops rates itself',
  rates: 'rates without a shipment, and estimates of transit times',
  smartrate: 'rates without a shipment, and estimates of transit times',
  forms: 'further papers of a shipment',
};

function isOurs({ method, path }: Exchange): boolean {
  return IN_SCOPE.some((pattern) => pattern.test(`${method} ${path}`));
}

function reasonOf({ path }: Exchange): string {
  const words = path
    .split('/')
    .filter((word) => !/^(v1|v2|beta)?$/.test(word) && !/^[a-z]+_[0-9a-f]{20,}$/.test(word));
  const word = [...words].reverse().find((candidate) => candidate in OUT_OF_SCOPE);
  if (word === undefined) throw new Error(`no reason why ${path} is not simulated`);
  return OUT_OF_SCOPE[word] as string;
}

async function call(simulator: EasyPostSimulator, method: string, path: string, body: string | null) {
  const answer = await fetch(simulator.url + path, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${DEMO_API_KEY}:`).toString('base64')}`,
      ...(body === null ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === null ? {} : { body }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text === '' ? undefined : (JSON.parse(text) as unknown) };
}

/** The recorded account had a past, which its lists show; this gives the simulator's one too. */
async function liveThrough(simulator: EasyPostSimulator, past: readonly Exchange[]): Promise<void> {
  for (let time = 0; time < 3; time += 1) {
    const pairs = new Map<string, string>();
    for (const { method, path, body, answer } of past) {
      const { json } = await call(
        simulator,
        method,
        withOurIds(path, pairs),
        body === null ? null : withOurIds(body, pairs),
      );
      pairIds(answer, json, pairs);
    }
  }
}

async function replay(cassette: Cassette, seen: SeenTypes, past: readonly Exchange[]): Promise<string[]> {
  const lists = cassette.exchanges.some(
    ({ method, query }) => method === 'GET' && query.includes('page_size'),
  );
  const simulator = await startEasyPostSimulator({
    settings: {
      transit: { startsAt: 'handover' },
      refunds: { settleMs: 60_000 },
      // The recorded account had one carrier under this id.
      carriers: { USPS: 'ca_5ba7ca3632c54adeb17ad4bcac13c890' },
    },
  });
  try {
    if (lists && cassette.service !== 'Webhook-Service') await liveThrough(simulator, past);
    const pairs = new Map<string, string>();
    const problems: string[] = [];
    for (const exchange of cassette.exchanges.filter(isOurs)) {
      const { method, path, query, body, status, answer } = exchange;
      const target = withOurIds(path + query, pairs);
      const ours = await call(simulator, method, target, body === null ? null : withOurIds(body, pairs));
      const where = `${cassette.service} ${cassette.name}: ${method} ${path}`;
      if (ours.status !== status) problems.push(`${where}: ${ours.status} instead of ${status}`);
      problems.push(...differences(answer, ours.json, seen).map((difference) => `${where} ${difference}`));
      pairIds(answer, ours.json, pairs);
    }
    return problems;
  } finally {
    await simulator.close();
  }
}

/** One cassette of each kind of thing that lists show. */
const PAST = [
  'creates-an-address',
  'creates-a-verified-address',
  'creates-a-tracker',
  'creates-a-scanform',
  'creates-a-refund',
  'buys-a-shipment',
];

itWithSharedData(
  'every recorded exchange that the engine would have is answered by the simulator in the same shape',
  'easypost/cassettes',
  async (folder) => {
    const cassettes = readCassettes(folder);
    const seen = learnTypes(cassettes);
    const past = cassettes.filter(({ name }) => PAST.includes(name)).flatMap(({ exchanges }) => exchanges);
    const reasons = new Map<string, number>();
    const problems: string[] = [];
    let [whole, exchanges, total] = [0, 0, 0];
    for (const cassette of cassettes) {
      const ours = cassette.exchanges.filter(isOurs).length;
      total += cassette.exchanges.length;
      if (ours > 0) problems.push(...(await replay(cassette, seen, past)));
      exchanges += ours;
      const foreign = cassette.exchanges.find((exchange) => !isOurs(exchange));
      if (foreign === undefined) whole += 1;
      else reasons.set(reasonOf(foreign), (reasons.get(reasonOf(foreign)) ?? 0) + 1);
    }
    const rest = [...reasons].sort(([, a], [, b]) => b - a);
    process.stdout.write(
      `EasyPost's recordings: ${whole} of ${cassettes.length} agree with the simulator as a whole, ` +
        `and so do ${exchanges} of their ${total} single exchanges. The others need what the engine does not use:\n` +
        `${rest.map(([reason, count]) => `  ${String(count).padStart(3)}  ${reason}`).join('\n')}\n`,
    );
    expect(problems).toEqual([]);
    expect(cassettes).toHaveLength(161);
    expect(whole + rest.reduce((sum, [, count]) => sum + count, 0)).toBe(161);
    expect({ whole, exchanges, total }).toEqual({ whole: 58, exchanges: 129, total: 292 });
  },
);

itWithSharedData(
  'every recorded shipment, tracker and verified address is read by the connector',
  'easypost/cassettes',
  async (folder) => {
    const answers = readCassettes(folder).flatMap(({ exchanges }) => exchanges.map(({ answer }) => answer));
    const found = (kind: string) =>
      answers.filter(
        (answer): answer is Record<string, unknown> => isObject(answer) && answer['object'] === kind,
      );
    const shipments = found('Shipment');
    const trackers = found('Tracker');
    const verified = found('Address').filter(
      ({ verifications }) => isObject(verifications) && 'delivery' in verifications,
    );
    let next: unknown;
    let counts: readonly number[] = [];
    const partner = await cannedServer((req, res) => json(200, next)(req, res));
    const account = accountOf(partner.url);
    try {
      for (const shipment of shipments) {
        next = shipment;
        // A file inside the answer is fetched by another call, which `purchase.test.ts` shows.
        if (isObject(shipment['postage_label']) && shipment['postage_label']['label_file'] !== null) continue;
        const read = await easyPost.getShipment(account, 'shp_1');
        expect(read.rates).toHaveLength((shipment['rates'] as unknown[]).length);
        expect(read.label?.trackingNumber ?? null).toBe(shipment['tracking_code']);
        const voidState = await easyPost.getVoidState(account, 'shp_1');
        expect(voidState).toBe(
          read.label === null
            ? 'not_applicable'
            : shipment['refund_status'] === 'submitted'
              ? 'requested'
              : 'rejected',
        );
      }
      for (const tracker of trackers) {
        next = tracker;
        expect(await easyPost.track(account, 'x', 'USPS')).toHaveLength(
          (tracker['tracking_details'] as unknown[]).length,
        );
      }
      for (const address of verified) {
        next = address;
        const verdict = await easyPost.verifyAddress(account, demoAddress);
        expect(verdict.problems.length === 0).toBe(verdict.deliverable);
      }
      counts = [shipments.length, trackers.length, verified.length];
    } finally {
      await partner.close();
    }
    expect(counts).toEqual([54, 5, 4]);
  },
);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
