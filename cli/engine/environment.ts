/** What the roles of an engine have in their environment; config.ts and simulators/main.ts say what each name means. */
import { join } from 'node:path';
import type { Secrets } from '../data-dir';
import type { EngineDatabase } from './database';
import type { PortMap } from './ports';
import type { EngineTemporal } from './temporal';

const LOOPBACK = '127.0.0.1';

export interface RoleSettings {
  readonly dataDir: string;
  readonly demo: boolean;
  readonly ports: PortMap;
  readonly secrets: Secrets;
  readonly database: EngineDatabase;
  readonly temporal: EngineTemporal;
}

/** For API, worker and dispatcher. What the person has set (SMTP_URL, PUBLIC_URL, …) stays. */
export function roleEnvironment(settings: RoleSettings): Record<string, string> {
  const { dataDir, demo, ports, secrets, database, temporal } = settings;
  const given = (name: string): string | undefined => process.env[name] || undefined;
  const simulators = [ports.shop, ports['webhook-shop'], ports.carrier].map((port) => `${LOOPBACK}:${port}`);
  const smtp = given('SMTP_URL') ?? (demo ? `smtp://${LOOPBACK}:${ports.smtp}` : undefined);
  return {
    DATABASE_APP_URL: database.appUrl,
    DATABASE_SYSTEM_URL: database.systemUrl,
    DATABASE_CHECK_URL: database.checkUrl,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: given('TEMPORAL_NAMESPACE') ?? 'default',
    ...(temporal.uiUrl === null ? {} : { TEMPORAL_UI_URL: temporal.uiUrl }),
    API_HOST: given('API_HOST') ?? LOOPBACK,
    API_PORT: String(ports.api),
    PUBLIC_URL: given('PUBLIC_URL') ?? `http://${LOOPBACK}:${ports.api}`,
    ...(temporal.server === null ? {} : { CODEC_PORT: String(ports.codec), CODEC_TOKEN: secrets.codecToken }),
    QUAYSIDE_DATA_DIR: dataDir,
    QUAYSIDE_ENCRYPTION_KEYS: given('QUAYSIDE_ENCRYPTION_KEYS') ?? secrets.encryptionKeys,
    OUTGOING_ALLOW_HOSTS: [
      ...(given('OUTGOING_ALLOW_HOSTS')?.split(',') ?? []),
      ...(demo ? simulators : []),
    ].join(','),
    ...(smtp === undefined ? {} : { SMTP_URL: smtp }),
  };
}

/** For the simulators, who know no database and no Temporal. */
export function simulatorEnvironment(settings: {
  readonly dataDir: string;
  readonly ports: PortMap;
  readonly secrets: Secrets;
  readonly rate: number;
  readonly publicUrl: string;
}): Record<string, string> {
  const { dataDir, ports, secrets, rate, publicUrl } = settings;
  return {
    QUAYSIDE_DEMO_SECRET: secrets.demoSecret,
    PUBLIC_URL: publicUrl,
    SIMULATOR_RATE: String(rate),
    SIMULATOR_SHOP_PORT: String(ports.shop),
    SIMULATOR_WEBHOOK_SHOP_PORT: String(ports['webhook-shop']),
    SIMULATOR_CARRIER_PORT: String(ports.carrier),
    SIMULATOR_MAIL_PORT: String(ports.mail),
    SIMULATOR_SMTP_PORT: String(ports.smtp),
    SIMULATOR_STATE_DIR: join(dataDir, 'simulators'),
  };
}
