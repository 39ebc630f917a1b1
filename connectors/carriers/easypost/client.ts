/**
 * One call to EasyPost, on the HTTP exchange that all partners share. `@easypost/api` was tried first
 * and is used where it fits, as an independent client in the tests of the simulator; in the engine it
 * would hide what matters. With 8.9.0 and a local server: its `timeout` reaches no request (a silent
 * server held a call of 300 ms for as long as it was watched), a 502 with a body ends as a TypeError
 * without status, the Retry-After of a 429 is dropped, a 200 with an error or a web page in it resolves,
 * and a look-up by a reference that contains "beta" goes to another path. `test/connectors/carriers`
 * repeats this.
 */
import type { ZodType, z } from 'zod';
import { Failure } from '../../../domain/failure-types';
import { httpExchange, readShape } from '../../http';
import type { CarrierAccount } from '../port';
import { failureOf, readErrorBody } from './errors';

/** Refusals whose body says more than the status does. */
const REFUSALS = [400, 402, 404, 405, 409, 422];

export interface EasyPostCall<S extends ZodType> {
  readonly method: 'GET' | 'POST';
  /** After /v2, already encoded. */
  readonly path: string;
  readonly body?: unknown;
  /** False also for a POST that may be repeated freely, such as checking an address. */
  readonly write: boolean;
  /** For messages: "EasyPost's purchase of a label". */
  readonly what: string;
  readonly schema: S;
}

/**
 * @throws Failure as the port lists them; after a write, whatever leaves open whether EasyPost acted is
 * PartnerOutcomeUnknown, also an error in a 200 whose code is not known to be a refusal.
 */
export async function easyPostCall<S extends ZodType>(
  account: CarrierAccount,
  call: EasyPostCall<S>,
): Promise<z.output<S>> {
  const { write, what } = call;
  const answer = await httpExchange({
    url: `${account.baseUrl.replace(/\/+$/, '')}/v2${call.path}`,
    method: call.method,
    headers: {
      accept: 'application/json',
      authorization: `Basic ${Buffer.from(`${apiKeyOf(account)}:`).toString('base64')}`,
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    timeoutMs: account.timeoutMs,
    write,
    accept: REFUSALS,
  });
  const refused = answer.status >= 300;
  const error = readErrorBody(answer.json);
  if (error !== null) {
    const failure = failureOf(error, answer.status, what);
    if (refused || !write || failure.type !== 'PartnerRejected') throw failure;
    throw new Failure('PartnerOutcomeUnknown', `${failure.message} (in a ${answer.status})`, failure.details);
  }
  if (refused) {
    throw new Failure(
      write ? 'PartnerOutcomeUnknown' : 'PartnerMalformed',
      `${what} was answered ${answer.status} without an error that can be read`,
      { status: answer.status },
    );
  }
  return readShape(call.schema, answer.json, { write, what });
}

function apiKeyOf(account: CarrierAccount): string {
  const key = account.credentials['apiKey'];
  if (key === undefined || key === '') {
    throw new Failure('PartnerUnauthorised', 'the carrier account has no EasyPost API key', {
      accountId: account.accountId,
    });
  }
  return key;
}
