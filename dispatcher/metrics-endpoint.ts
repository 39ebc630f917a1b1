/** `GET /metrics` of this process for Prometheus, on loopback: a process without an API has no other door. */
import { createServer } from 'node:http';
import { metrics } from '../telemetry';

/** @throws the listen error. */
export async function startMetricsEndpoint(port: number): Promise<{ close(): Promise<void> }> {
  const { registry } = metrics;
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
