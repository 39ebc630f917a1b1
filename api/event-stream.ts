/**
 * Server-sent events (HTML Living Standard, "Server-sent events"): what a route answers that goes on
 * telling. A slow reader is waited for, so nothing piles up; one that is gone ends the source. A comment
 * now and then keeps the connection open through load balancers and shows whether anybody is still there.
 */
import type { Response } from 'express';

export interface ServerEvent {
  readonly event: string;
  /** Given back as `Last-Event-ID` by who comes again; left out where coming again there would lose something. */
  readonly id?: string;
  readonly data: unknown;
}

/** null: nothing to tell, the connection is only kept open. */
export type ServerEvents = (signal: AbortSignal) => AsyncIterable<ServerEvent | null>;

/** Never rejects for the reader's sake; what the source throws after the first byte ends the stream. */
export async function sendEvents(
  response: Response,
  events: ServerEvents,
  closing: AbortSignal | undefined,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = closing === undefined ? gone.signal : AbortSignal.any([gone.signal, closing]);
  response.status(200).set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store',
    // Proxies of the nginx kind would collect the events.
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
  for await (const event of events(signal)) {
    if (signal.aborted) break;
    if (!response.write(event === null ? ':\n\n' : frame(event))) await drained(response, signal);
  }
  response.end();
}

function frame({ event, id, data }: ServerEvent): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}

function drained(response: Response, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
