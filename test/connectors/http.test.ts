import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import fc from 'fast-check';
import { type HttpCall, httpExchange, parseRetryAfter } from '../../connectors/http';
import { parseExactJson } from '../../contracts/exact-json';
import { type Failure, isFailure } from '../../domain/failure-types';
import type { FaultRuleInput } from '../../simulators/fault-knobs';
import { createSimulatorServer, type Simulator } from '../../simulators/simulator-server';

let simulator: Simulator;
let acted: number;

beforeAll(async () => {
  simulator = await createSimulatorServer({
    name: 'partner',
    routes: (app) => {
      app.all('/act', (_req, res) => {
        acted += 1;
        res.type('json').send('{"id":9223372036854775807}');
      });
      app.all('/status/:status', (req, res) => {
        if (typeof req.query['after'] === 'string') res.set('Retry-After', req.query['after']);
        res.status(Number(req.params['status'])).json({ error: 'no' });
      });
    },
  });
});
beforeEach(() => {
  acted = 0;
  simulator.faults.clear();
});
afterAll(() => simulator.close());

const call = (path: string, write: boolean, timeoutMs = 2_000): HttpCall => ({
  url: simulator.url + path,
  method: write ? 'POST' : 'GET',
  timeoutMs,
  write,
});

async function failure(attempt: Promise<unknown>): Promise<Failure> {
  const outcome = await attempt.then(
    () => 'an answer',
    (error: unknown) => error,
  );
  if (!isFailure(outcome)) throw new Error(`expected a Failure, got ${String(outcome)}`);
  return outcome;
}

describe('an HTTP exchange with a partner', () => {
  it('keeps an id above 2^53 unchanged', async () => {
    expect((await httpExchange(call('/act', true))).json).toEqual({ id: '9223372036854775807' });
  });

  const faults: [FaultRuleInput['kind'], 'read' | 'write', string, number][] = [
    ['success_then_timeout', 'write', 'PartnerOutcomeUnknown', 1],
    ['success_then_timeout', 'read', 'PartnerUnavailable', 1],
    ['malformed_body', 'write', 'PartnerOutcomeUnknown', 1],
    ['malformed_body', 'read', 'PartnerUnavailable', 1],
    ['connection_reset', 'write', 'PartnerOutcomeUnknown', 0],
    ['connection_reset', 'read', 'PartnerUnavailable', 0],
    ['server_error', 'write', 'PartnerOutcomeUnknown', 0],
    ['server_error', 'read', 'PartnerUnavailable', 0],
    ['rate_limit', 'write', 'PartnerRateLimited', 0],
  ];
  it.each(faults)('%s on a %s is %s', async (kind, mode, type, actions) => {
    simulator.faults.set([{ kind }]);
    expect((await failure(httpExchange(call('/act', mode === 'write', 300)))).type).toBe(type);
    expect(acted).toBe(actions);
  });

  const statuses: [string, boolean, string][] = [
    ['401', true, 'PartnerUnauthorised'],
    ['403', false, 'PartnerUnauthorised'],
    ['404', false, 'PartnerRejected'],
    ['422', true, 'PartnerRejected'],
    ['302', true, 'PartnerRejected'],
    ['503', true, 'PartnerOutcomeUnknown'],
    ['503?after=3', true, 'PartnerUnavailable'],
    ['502', false, 'PartnerUnavailable'],
  ];
  it.each(statuses)('status %s (write: %s) is %s', async (status, write, type) => {
    const found = await failure(httpExchange(call(`/status/${status}`, write)));
    expect(found.type).toBe(type);
    expect(found.details['status']).toBe(Number(status.slice(0, 3)));
  });

  it('says how long the partner wants to be left alone', async () => {
    expect((await failure(httpExchange(call('/status/429?after=2.0', true)))).retryAfterMs).toBe(2_000);
    expect(parseRetryAfter('Wed, 21 Oct 2026 07:28:02 GMT', Date.parse('2026-10-21T07:28:00Z'))).toBe(2_000);
    expect(parseRetryAfter('soon', 0)).toBeUndefined();
  });

  it('hands a status over that the caller asked for', async () => {
    expect((await httpExchange({ ...call('/status/404', false), accept: [404] })).status).toBe(404);
  });

  it('knows that nothing happened where nobody listens', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.once('listening', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const refused = await failure(
      httpExchange({ ...call('/act', true), url: `http://127.0.0.1:${port}/act` }),
    );
    expect(refused.type).toBe('PartnerUnavailable');
  });

  it('never shows a query, which may hold a secret', async () => {
    const found = await failure(httpExchange(call('/status/404?token=hush', false)));
    expect(JSON.stringify([found.message, found.details])).not.toContain('hush');
  });
});

describe('exact JSON', () => {
  it('accepts exactly what JSON.parse accepts', () => {
    const scraps = fc.array(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '\\',
        '-',
        '.',
        'e',
        '0',
        '12345678901234567890',
        'true',
        ' ',
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(scraps, (parts) => {
        const text = parts.join('');
        expect(verdict(() => parseExactJson(text))).toBe(verdict(() => JSON.parse(text)));
      }),
      { numRuns: 5_000 },
    );
  });

  it('changes nothing but whole numbers beyond 2^53, and those into their digits', () => {
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.string({ unit: 'binary' }),
        fc.constant('say "12345678901234567890\\" \\'),
        fc.boolean(),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => expect(parseExactJson(write(value))).toEqual(expected(value))),
      { numRuns: 2_000 },
    );
  });
});

function verdict(parse: () => unknown): 'read' | 'refused' {
  try {
    parse();
    return 'read';
  } catch {
    return 'refused';
  }
}

/** JSON text in which a bigint is a bare whole number. */
function write(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${JSON.stringify(key)}:${write(item)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}

function expected(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  }
  if (typeof value === 'number')
    return wholeBeyond(value) ? JSON.stringify(value) : JSON.parse(JSON.stringify(value));
  if (Array.isArray(value)) return value.map(expected);
  if (typeof value === 'object' && value !== null) {
    return JSON.parse(
      JSON.stringify(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expected(item)]))),
    );
  }
  return value;
}

/** Doubles such as 1e18 are written without an exponent, so they read as a whole number too. */
function wholeBeyond(value: number): boolean {
  return /^-?\d+$/.test(JSON.stringify(value)) && !Number.isSafeInteger(value);
}
