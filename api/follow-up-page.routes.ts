/**
 * Where the links of low-stock messages lead: a page that says what would be done, with one button. Looking
 * at it changes nothing, for mail programs open links by themselves; the button's POST does it, once an
 * alert and action. The token is the permission (commands/watch/follow-up-link): whoever got the message
 * may do what it offers, for a week.
 */
import type { Request, Response } from 'express';
import { z } from 'zod';
import { followUp } from '../commands/watch/follow-up';
import { type FollowUpLink, readFollowUpToken } from '../commands/watch/follow-up-link';
import { listAlerts } from '../db/stock-alert.repo';
import { isFailure } from '../domain/failure-types';
import { FOLLOW_UP_WORDS } from '../domain/stock/follow-up';
import type { ApiDeps } from './deps';
import type { OpenRoute } from './open-routes';
import { contextOf } from './request-context';

const params = z.strictObject({ token: z.string() });
const tag = 'Stock alerts';
/** A sealed token of ours has some 300 characters. */
const MOST_TOKEN = 1_000;

export const followUpPageRoutes: readonly OpenRoute[] = [
  {
    method: 'get',
    path: '/follow-up/{token}',
    operationId: 'showFollowUpPage',
    summary: 'The page of a link in a low-stock message',
    description: 'HTML. It says what its button would do, and changes nothing.',
    tag,
    params,
    answers: { 200: null, 404: null },
    handler: async (deps, request, response) => {
      const link = linkOf(deps, request);
      const alert = link === null ? undefined : await alertOf(deps, link);
      if (link === null || alert === undefined) return gone(response);
      const words = FOLLOW_UP_WORDS[link.action];
      send(response, 200, words, [
        `<p>${escaped(alert.sku)} (${escaped(alert.productName)}): ${alert.level} left on ${alert.openedAt.toISOString()}.</p>`,
        ...(alert.clearedAt === null ? [] : ['<p>It is no longer low.</p>']),
        `<form method="post"><button>${escaped(words)}</button></form>`,
      ]);
    },
  },
  {
    method: 'post',
    path: '/follow-up/{token}',
    operationId: 'doFollowUp',
    summary: 'The button of that page',
    description: 'HTML. Once an alert and action; again it says that it was done.',
    tag,
    params,
    answers: { 200: null, 404: null, 409: null },
    handler: async (deps, request, response) => {
      const link = linkOf(deps, request);
      if (link === null) return gone(response);
      const { merchantId, alertId, action } = link;
      const editor = { actor: `link:${alertId}`, requestId: contextOf(request).requestId };
      try {
        const { row, again } = await followUp(deps.database, [merchantId], alertId, { action }, editor);
        const when = again ? `This was done at ${row.requestedAt.toISOString()}.` : 'Done.';
        const amount = row.quantity === null ? '' : ` ${row.quantity} units.`;
        const owner = row.owner === null ? '' : ` Owner: ${row.owner}.`;
        send(response, 200, FOLLOW_UP_WORDS[action], [`<p>${escaped(`${when}${amount}${owner}`)}</p>`]);
      } catch (error) {
        if (isFailure(error, 'NotFound')) return gone(response);
        if (!isFailure(error, 'IllegalTransition') && !isFailure(error, 'InvalidInput')) throw error;
        send(response, 409, 'Nothing was done', [`<p>${escaped(error.message)}.</p>`]);
      }
    },
  },
];

function linkOf({ config }: ApiDeps, request: Request): FollowUpLink | null {
  const token = request.params['token'];
  if (typeof token !== 'string' || token.length > MOST_TOKEN) return null;
  return readFollowUpToken(config.sealingKeys, token, new Date());
}

async function alertOf({ database }: ApiDeps, { merchantId, alertId }: FollowUpLink) {
  try {
    const rows = await database.withMerchants([merchantId], (tx) =>
      listAlerts(tx, [merchantId], { id: alertId }, null, 1),
    );
    return rows[0];
  } catch (error) {
    if (isFailure(error, 'NotFound')) return undefined;
    throw error;
  }
}

const gone = (response: Response) =>
  send(response, 404, 'This link is no longer good', [
    '<p>Look at the open alerts, or wait for the next message.</p>',
  ]);

function send(response: Response, status: number, title: string, body: readonly string[]): void {
  response
    .status(status)
    // The address is a permission: no other site learns it from here.
    .set('Referrer-Policy', 'no-referrer')
    .type('text/html')
    .send(
      `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="robots" content="noindex"><title>${escaped(title)}</title>` +
        `<body><h1>${escaped(title)}</h1>${body.join('')}</body></html>\n`,
    );
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
