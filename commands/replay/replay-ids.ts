/** Ids of a replayed merchant's things, made from their names: a second replay finds those of the first. */
import { createHash } from 'node:crypto';

/** A UUID of version 8 (RFC 9562, 5.8), the same for the same organisation and name. */
export function replayId(organisationId: string, name: string): string {
  const digest = createHash('sha256').update(`quayside replay: ${organisationId}: ${name}`).digest('hex');
  const hex = digest.slice(0, 32).split('');
  hex[12] = '8';
  hex[16] = '8';
  return hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** A place in the replayed merchant's warehouse, or one of the virtual ones, by its code. */
export function replayPlaceId(organisationId: string, code: string): string {
  return replayId(organisationId, `place ${code}`);
}
