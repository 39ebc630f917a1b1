/**
 * The link of a one-click follow-up. Its token is sealed by the engine's keys: nobody can make or read one,
 * and it names one alert and one action, until it expires. It is good for one deed, because an alert has
 * each follow-up once. Whoever has the message may do what the link says; looking at it changes nothing.
 */
import { z } from 'zod';
import { type SealingKeys, seal, unseal } from '../../db/sealed';
import { FOLLOW_UP_ACTIONS, type FollowUpAction } from '../../domain/stock/follow-up';

/** Stock that was low a week ago is another question. */
const LINK_DAYS = 7;
const DAY_MS = 86_400_000;

export interface FollowUpLink {
  readonly merchantId: string;
  readonly alertId: string;
  readonly action: FollowUpAction;
}

const tokenSchema = z.strictObject({
  // What is sealed for another purpose is no link.
  for: z.literal('follow-up'),
  merchantId: z.uuid(),
  alertId: z.uuid(),
  action: z.enum(FOLLOW_UP_ACTIONS),
  until: z.int(),
});

export function makeFollowUpToken(keys: SealingKeys, link: FollowUpLink, now: Date): string {
  const { merchantId, alertId, action } = link;
  const until = now.getTime() + LINK_DAYS * DAY_MS;
  return seal(keys, JSON.stringify({ for: 'follow-up', merchantId, alertId, action, until })).toString(
    'base64url',
  );
}

/** @returns null for whatever is no link of ours, or one that has expired. */
export function readFollowUpToken(keys: SealingKeys, token: string, now: Date): FollowUpLink | null {
  let opened: unknown;
  try {
    opened = JSON.parse(unseal(keys, Buffer.from(token, 'base64url')).toString('utf8'));
  } catch {
    return null;
  }
  const read = tokenSchema.safeParse(opened);
  if (!read.success || read.data.until <= now.getTime()) return null;
  const { merchantId, alertId, action } = read.data;
  return { merchantId, alertId, action };
}
