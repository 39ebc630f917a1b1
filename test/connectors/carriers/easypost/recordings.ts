/**
 * The recorded exchanges with EasyPost's test API (HAR files, one a cassette), and the comparison of an
 * answer's shape with a recorded one. What types a field may have is learned from all recordings: a
 * field may be null in one answer and a string in another only where EasyPost itself was seen to do
 * both, and an answer may have a field that its recording lacks only where another recording of the
 * same kind of object has it (they were made over two years).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface Exchange {
  readonly method: string;
  /** With /v2 or /beta in front. */
  readonly path: string;
  readonly query: string;
  readonly body: string | null;
  readonly status: number;
  readonly answer: unknown;
}

export interface Cassette {
  /** e.g. Shipment-Service. */
  readonly service: string;
  readonly name: string;
  readonly exchanges: readonly Exchange[];
}

interface HarEntry {
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly postData?: { readonly text: string };
  };
  readonly response: { readonly status: number; readonly content: { readonly text?: string } };
}

/** @param folder `easypost/cassettes` of the shared data. */
export function readCassettes(folder: string): Cassette[] {
  return readdirSync(folder)
    .sort()
    .flatMap((service) =>
      readdirSync(join(folder, service))
        .sort()
        .map((cassette) => {
          const file = join(folder, service, cassette, 'recording.har');
          const { log } = JSON.parse(readFileSync(file, 'utf8')) as { log: { entries: HarEntry[] } };
          const withoutNumber = (name: string) => name.replace(/_\d+$/, '');
          return {
            service: withoutNumber(service),
            name: withoutNumber(cassette),
            exchanges: log.entries.map(exchangeOf),
          };
        }),
    );
}

function exchangeOf({ request, response }: HarEntry): Exchange {
  const url = new URL(request.url);
  return {
    method: request.method,
    path: url.pathname,
    query: url.search,
    body: request.postData?.text ?? null,
    status: response.status,
    answer: readAnswer(response.content.text ?? ''),
  };
}

/** Some answers were recorded as they came: gzip, in base64, in pieces. */
function readAnswer(text: string): unknown {
  if (text === '') return undefined;
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value) || typeof value[0] !== 'string' || !value[0].startsWith('H4sI')) return value;
  const pieces = value.map((piece) => Buffer.from(String(piece), 'base64'));
  return JSON.parse(gunzipSync(Buffer.concat(pieces)).toString('utf8'));
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** What an object is: its own word for it, else its place in the object around it. */
function kindOf(value: Fields, around: string, key: string): string {
  const { object } = value;
  return typeof object === 'string' ? object : `${around}.${key}`;
}

/** For each kind of object, the types that each of its fields was seen with; `absent` where it was missing. */
export type SeenTypes = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

export function learnTypes(cassettes: readonly Cassette[]): SeenTypes {
  const objects = new Map<string, Fields[]>();
  const collect = (value: unknown, around: string, key: string): void => {
    if (Array.isArray(value)) for (const item of value) collect(item, around, key);
    if (!isObject(value)) return;
    const kind = kindOf(value, around, key);
    objects.set(kind, [...(objects.get(kind) ?? []), value]);
    for (const [name, field] of Object.entries(value)) collect(field, kind, name);
  };
  for (const { exchanges } of cassettes) for (const { answer } of exchanges) collect(answer, '', '');
  return new Map([...objects].map(([kind, all]) => [kind, typesOfFields(all)]));
}

function typesOfFields(objects: readonly Fields[]): Map<string, Set<string>> {
  const names = new Set(objects.flatMap((object) => Object.keys(object)));
  const typesOf = (name: string) =>
    new Set(objects.map((object) => (name in object ? typeOf(object[name]) : 'absent')));
  return new Map([...names].map((name) => [name, typesOf(name)]));
}

/**
 * Fields whose being null or empty is what the call was about: a purchase has a label, a verification
 * its errors. In the answer to such a call they are null or empty exactly where the recording's are.
 */
const TELLING = new Set([
  'Shipment postage_label',
  'Shipment selected_rate',
  'Shipment tracking_code',
  'Shipment tracker',
  'Shipment refund_status',
  'Shipment insurance',
  'Shipment customs_info',
  'Shipment reference',
  'Shipment rates',
  'Shipment fees',
  'CustomsInfo customs_items',
  'PostageLabel label_zpl_url',
  'Address.verifications.zip4 errors',
  'Address.verifications.delivery errors',
  '.error errors',
]);

/**
 * Where the answer's shape departs from the recording's; empty when they agree.
 * A list shows whatever an account happens to have, so of its entries nothing telling is compared, and a
 * field may be absent that EasyPost was seen to leave out.
 */
export function differences(recorded: unknown, answered: unknown, seen: SeenTypes): string[] {
  const found: string[] = [];
  const isList = isObject(recorded) && 'has_more' in recorded;
  const compare = (theirs: unknown, ours: unknown, around: string, key: string, path: string): void => {
    const [theirType, ourType] = [typeOf(theirs), typeOf(ours)];
    const telling = !isList && TELLING.has(`${around} ${key}`);
    if (theirType !== ourType) {
      const types = seen.get(around)?.get(key);
      const known = (theirs === null || ours === null) && types?.has(theirType) && types.has(ourType);
      if (!known || telling) found.push(`${path}: ${ourType} instead of ${theirType}`);
      return;
    }
    if (Array.isArray(theirs) && Array.isArray(ours)) {
      if (theirs.length > 0 !== ours.length > 0 && (telling || (isList && path.split('/').length === 2))) {
        found.push(`${path}: ${ours.length} entries instead of ${theirs.length}`);
      }
      if (theirs.length === 0) return;
      for (const [index, item] of ours.entries()) {
        compare(theirs[Math.min(index, theirs.length - 1)], item, around, key, `${path}/${index}`);
      }
    }
    if (!isObject(theirs) || !isObject(ours)) return;
    const kind = kindOf(theirs, around, key);
    const types = seen.get(kind);
    for (const [name, field] of Object.entries(theirs)) {
      if (name in ours) compare(field, ours[name], kind, name, `${path}/${name}`);
      else if (!isList || !types?.get(name)?.has('absent')) found.push(`${path}/${name}: missing`);
    }
    for (const [name, field] of Object.entries(ours)) {
      if (name in theirs || types?.get(name)?.has(typeOf(field))) continue;
      found.push(`${path}/${name}: EasyPost has no such field`);
    }
  };
  compare(recorded, answered, '', '', '');
  return found;
}

const ID = /^(?:[a-z]+_[0-9a-f]{30,}|9400\d{18})$/;

/** Pairs the ids of a recorded answer with ours, so that later calls of the cassette can name them. */
export function pairIds(recorded: unknown, answered: unknown, pairs: Map<string, string>): void {
  if (typeof recorded === 'string' && typeof answered === 'string') {
    if (ID.test(recorded)) pairs.set(recorded, answered);
    return;
  }
  if (Array.isArray(recorded) && Array.isArray(answered)) {
    for (const [index, theirs] of recorded.entries()) {
      // Rates come in any order; the same one has the same service.
      const sameService = answered.find(
        (ours) => isRate(theirs) && isRate(ours) && ours.service === theirs.service,
      );
      pairIds(theirs, sameService ?? answered[index] ?? answered.at(-1), pairs);
    }
    return;
  }
  if (!isObject(recorded) || !isObject(answered)) return;
  for (const [name, field] of Object.entries(recorded)) pairIds(field, answered[name], pairs);
}

function isRate(value: unknown): value is { readonly object: 'Rate'; readonly service: string } {
  return isObject(value) && value['object'] === 'Rate';
}

/** A recorded path or body with our ids in the place of the recorded ones. */
export function withOurIds(text: string, pairs: ReadonlyMap<string, string>): string {
  return text.replace(/[a-z]+_[0-9a-f]{30,}|9400\d{18}/g, (id) => pairs.get(id) ?? id);
}
