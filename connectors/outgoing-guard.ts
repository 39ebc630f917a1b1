/**
 * Where our calls may go. Addresses of shops and receivers are typed in by merchants, so a name could
 * lead into the network the engine runs in. Guarded calls are https only, every address a name resolves
 * to must be a public one, and the connection is made to those very addresses, so that a name which
 * answers differently a moment later (rebinding) gains nothing. Redirects are not followed
 * (`http.ts`). The one exception is the list of host:port that the process itself is configured with,
 * which is how the simulators on loopback are reached.
 */
import { lookup as resolveName } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import { Failure } from '../domain/failure-types';

/** Not globally reachable by IANA's special-purpose registry (RFC 6890 and updates), and multicast. */
const PRIVATE_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];
/** Inside 2000::/3, outside of which no IPv6 address is public; these can carry an IPv4 address, or are for documents. */
const PRIVATE_V6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
];

const privateAddresses = new BlockList();
for (const [net, prefix] of PRIVATE_V4) privateAddresses.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of PRIVATE_V6) privateAddresses.addSubnet(net, prefix, 'ipv6');
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !privateAddresses.check(address, 'ipv4');
    case 6:
      return globalUnicast.check(address, 'ipv6') && !privateAddresses.check(address, 'ipv6');
    default:
      return false;
  }
}

function refuse(host: string, why: string): Failure {
  return new Failure('PartnerRejected', `${host} may not be called: ${why}`, { code: 'ADDRESS_NOT_ALLOWED' });
}

/** Resolves like `dns.lookup`, and fails when any of the addresses is not public. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolveName(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '');
    const hidden = addresses.find(({ address }) => !isPublicAddress(address));
    if (hidden) return callback(refuse(hostname, 'it leads to an address that is not public'), '');
    if (options.all) return callback(null, addresses);
    const [first] = addresses;
    callback(first ? null : refuse(hostname, 'it has no address'), first?.address ?? '', first?.family);
  });
};

/**
 * A way out for `httpExchange`.
 * @param allowed `host:port` that may be called whatever its address and without TLS.
 * @param connectTimeoutMs as for any other way out.
 */
export function createGuardedDispatcher(allowed: readonly string[], connectTimeoutMs: number): Dispatcher {
  const exempt = new Set(allowed.map((host) => host.toLowerCase()));
  const open = new Agent({ connect: { timeout: connectTimeoutMs } });
  const guarded = new Agent({ connect: { timeout: connectTimeoutMs, lookup: publicLookup } });
  return guarded.compose((dispatch) => (options, handler) => {
    const url = new URL(String(options.origin));
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    if (exempt.has(`${url.hostname}:${port}`)) return open.dispatch(options, handler);
    if (url.protocol !== 'https:') throw refuse(url.host, 'it is not https');
    // A literal address is never looked up; the URL parser has brought octal and hexadecimal forms to one.
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(literal) !== 0 && !isPublicAddress(literal)) throw refuse(url.host, 'its address is not public');
    return dispatch(options, handler);
  });
}
