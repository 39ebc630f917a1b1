/**
 * The inbox over HTTP: JSON for programs, plain pages for people who follow the demo. What is shown was
 * written by others, so pages escape everything and show a message's HTML only inside a sandboxed frame
 * without scripts.
 */
import type { Express, Request, Response } from 'express';
import type { SimulatorContext } from '../simulator-server';
import type { StoredMail } from './stored-mail';

/** A page for people; programs ask for what they need by `?to=` or `?messageId=`. */
const NEWEST_SHOWN = 200;

export function inboxRoutes(app: Express, { memory }: SimulatorContext): void {
  const all = () => memory.list<StoredMail>('mail');

  app.get('/', (_req, res) => res.redirect('/inbox'));

  app.get('/inbox', (req, res) => {
    const mails = all().filter((mail) => matches(mail, req));
    if (wantsPage(req))
      return page(res, 'Inbox', inboxPage(mails.slice(-NEWEST_SHOWN).reverse(), mails.length));
    res.json({ total: mails.length, mails });
  });

  app.get('/inbox/:number', (req, res) => {
    const mail = all()[Number(req.params['number']) - 1];
    if (mail === undefined) return void res.status(404).json({ error: 'not_found' });
    if (wantsPage(req)) return page(res, mail.subject, mailPage(mail));
    res.json(mail);
  });
}

function matches(mail: StoredMail, req: Request): boolean {
  const { to, messageId } = req.query;
  if (typeof to === 'string' && !mail.to.toLowerCase().includes(to.toLowerCase())) return false;
  return typeof messageId !== 'string' || mail.messageId === messageId;
}

function wantsPage(req: Request): boolean {
  return req.accepts(['json', 'html']) === 'html';
}

function page(res: Response, title: string, body: string): void {
  res
    .type('html')
    .set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'")
    .send(
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title>` +
        '<style>body{font:15px system-ui;margin:2rem}td,th{padding:.3rem .8rem;text-align:left}' +
        'iframe{width:100%;height:30rem;border:1px solid #ccc}pre{white-space:pre-wrap}</style>' +
        `${body}</html>`,
    );
}

function inboxPage(newestFirst: readonly StoredMail[], total: number): string {
  const rows = newestFirst.map(
    (mail) =>
      `<tr><td>${escaped(mail.receivedAt)}</td><td>${escaped(mail.to)}</td>` +
      `<td><a href="/inbox/${mail.number}">${escaped(mail.subject)}</a></td>` +
      `<td>${mail.deliveries > 1 ? `${mail.deliveries} deliveries` : ''}</td></tr>`,
  );
  return (
    `<h1>Inbox of the demo (${total})</h1><p>Nothing here was sent to anybody.</p>` +
    `<table><tr><th>Received</th><th>To</th><th>Subject</th><th></th></tr>${rows.join('')}</table>`
  );
}

function mailPage(mail: StoredMail): string {
  return (
    `<p><a href="/inbox">Inbox</a></p><h1>${escaped(mail.subject)}</h1>` +
    `<p>From ${escaped(mail.from)}<br>To ${escaped(mail.to)}<br>${escaped(mail.messageId)}</p>` +
    `<pre>${escaped(mail.text ?? '')}</pre>` +
    (mail.html === null ? '' : `<iframe sandbox srcdoc="${escaped(mail.html)}"></iframe>`)
  );
}

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (letter) => entities[letter] as string);
}
