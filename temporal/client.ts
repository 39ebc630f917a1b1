/**
 * The connection to Temporal. It is lazy and reconnects by itself: a process starts and accepts work
 * while Temporal is away, and the first call after it is back finds it. Calls through `withinDeadline`
 * end by then at the latest; without one a call would retry for half a minute inside the SDK while its
 * caller has the outbox to fall back on.
 */
import { Client, Connection } from '@temporalio/client';
import type { DataConverter, PayloadCodec } from '@temporalio/common';

/**
 * gRPC waits longer and longer between its attempts to connect, up to two minutes. An engine whose
 * orders wait for Temporal should notice within a second or two that it is back.
 */
const MAX_RECONNECT_BACKOFF_MS = 1_000;

export interface TemporalOptions {
  /** `host:port`. */
  readonly address: string;
  readonly namespace: string;
  /** Without it payloads are readable by whoever reads Temporal's database. */
  readonly codec?: PayloadCodec;
  readonly tls?: boolean;
  readonly apiKey?: string;
}

/** What client and worker must agree on to read each other. */
export function dataConverter(codec: PayloadCodec | undefined): DataConverter {
  return codec === undefined ? {} : { payloadCodecs: [codec] };
}

/** A client that connects with its first call. Close `client.connection` when done. */
export function connectTemporal(options: TemporalOptions): Client {
  const connection = Connection.lazy({
    address: options.address,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.apiKey === undefined ? {} : { apiKey: options.apiKey }),
    channelArgs: {
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.min_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_BACKOFF_MS,
    },
  });
  return new Client({
    connection,
    namespace: options.namespace,
    dataConverter: dataConverter(options.codec),
  });
}

/** Runs calls of this client under one deadline, in milliseconds from now. */
export function withinDeadline<T>(client: Client, timeoutMs: number, calls: () => Promise<T>): Promise<T> {
  return client.withDeadline(Date.now() + timeoutMs, calls);
}
