/**
 * The engine's Temporal: our development server, or the one that `TEMPORAL_ADDRESS` names. Either learns
 * the search attributes by which stuck orders are found; a server behind
 * TLS or an API key gets them from its administrator.
 */
import { join } from 'node:path';
import { type RunningTemporal, registerSearchAttributes, startTemporal } from '../../provision/temporal';
import { SEARCH_ATTRIBUTES } from '../../workflows/shared/search-attributes';
import { CommandError } from '../command-error';
import { type KeptAlive, keepAlive } from './keep-alive';

export interface EngineTemporal {
  readonly address: string;
  readonly uiUrl: string | null;
  readonly server: KeptAlive<RunningTemporal> | null;
}

export interface OwnTemporal {
  readonly dataDir: string;
  readonly port: number;
  readonly uiPort: number;
  /** Where the UI has payloads decrypted. */
  readonly codecUrl: string;
}

export async function startOwnTemporal(
  { dataDir, port, uiPort, codecUrl }: OwnTemporal,
  log: (line: string) => void,
): Promise<EngineTemporal> {
  const start = () =>
    startTemporal({
      dbFilename: join(dataDir, 'temporal.sqlite'),
      port,
      uiPort,
      uiCodecEndpoint: codecUrl,
      log,
    });
  const server = await keepAlive('the Temporal server', start, log);
  try {
    await registerSearchAttributes(server.current().address, SEARCH_ATTRIBUTES);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { address: server.current().address, uiUrl: server.current().uiUrl, server };
}

/** @throws CommandError when the server doesn't answer, or doesn't let us register attributes. */
export async function useTemporal(
  address: string,
  namespace: string,
  uiUrl: string | null,
  byHand: boolean,
): Promise<EngineTemporal> {
  try {
    // Behind TLS or a key it is a server with an administrator, who registers attributes once.
    if (!byHand) await registerSearchAttributes(address, SEARCH_ATTRIBUTES, namespace);
    return { address, uiUrl, server: null };
  } catch (error) {
    throw new CommandError(
      `the Temporal server at ${address} can't be prepared: ${error instanceof Error ? error.message : String(error)}`,
      1,
      'check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE; search attributes can be registered by hand with deploy/temporal/search-attributes.sh',
    );
  }
}
