/** What a person asks for about exceptions besides acting on what is stuck: whose it is, and not now. */
import { z } from 'zod';
import { EXCEPTION_OWNERS } from '../domain/order/exception-reasons';
import { id, instant, reason } from './common';

export const assignSchema = z.strictObject({
  /** A person of the organisation, a role, or whoever owns the reason by default. */
  to: z.union([
    z.strictObject({ personId: id }),
    z.strictObject({ role: z.enum(EXCEPTION_OWNERS) }),
    z.literal('default'),
  ]),
  reason,
});

export const snoozeSchema = z.strictObject({
  /** At most 30 days ahead; null puts it back on the list at once. */
  until: instant.nullable(),
  reason,
});
