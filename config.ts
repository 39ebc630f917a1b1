/**
 * The process's configuration, from its environment, read once at the start. Every problem is named in
 * one error. What is not listed here is ignored.
 */
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);
const count = (fallback: number) => z.coerce.number().int().min(1).max(10_000).default(fallback);
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional();
const databaseUrl = z
  .url({ protocol: /^postgres(ql)?$/, error: 'must be postgres://user:password@host:port/database' })
  .optional();
const hostAndPort = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/@]+):\d{1,5}$/, 'must be host:port');

const encryptionKey = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,32}:[A-Za-z0-9+/]{43}=$/, 'must be id:base64 of 32 bytes')
  .transform((text) => {
    const at = text.indexOf(':');
    return { id: text.slice(0, at), key: Buffer.from(text.slice(at + 1), 'base64') };
  });

const list = (separator = ',') =>
  z.string().transform((text) =>
    text
      .split(separator)
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );

const schema = z.object({
  /** Owner of the schema: needed by migrate alone. */
  DATABASE_URL: databaseUrl,
  DATABASE_APP_URL: databaseUrl,
  DATABASE_SYSTEM_URL: databaseUrl,
  DATABASE_CHECK_URL: databaseUrl,
  /** Connections a pool; API, worker and dispatcher have one pool a role each. */
  DATABASE_POOL_SIZE: count(10),
  TEMPORAL_ADDRESS: hostAndPort.default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_API_KEY: z.string().optional(),
  TEMPORAL_TLS: z.stringbool().default(false),
  /** Where people open the Temporal UI; links to stuck orders are made from it. */
  TEMPORAL_UI_URL: httpUrl,
  API_HOST: z.string().default('127.0.0.1'),
  API_PORT: port.default(8080),
  /** Under which address partners and people reach the API. */
  PUBLIC_URL: httpUrl,
  /** Whoever reaches the codec endpoint and knows its token reads payloads: loopback, unless a container's port is published to loopback. */
  CODEC_HOST: z.string().default('127.0.0.1'),
  /** Port of the codec endpoint of the Temporal UI; 0 picks a free one. */
  CODEC_PORT: port.default(8081),
  CODEC_TOKEN: z.string().optional(),
  /** Worker and dispatcher serve `/metrics` here, the API at its own port. */
  METRICS_HOST: z.string().default('127.0.0.1'),
  METRICS_PORT: port.optional(),
  QUAYSIDE_DATA_DIR: z.string().default('.quayside'),
  /** `id:base64,…`: the first encrypts, all decrypt. For secrets at rest and Temporal's payloads. */
  QUAYSIDE_ENCRYPTION_KEYS: list()
    .pipe(z.array(encryptionKey).min(1))
    .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, 'two keys have the same id')
    .optional(),
  /** host:port pairs that outgoing calls may reach although they are private or not https. */
  OUTGOING_ALLOW_HOSTS: list().pipe(z.array(hostAndPort)).default([]),
  SMTP_URL: z.url({ protocol: /^smtps?$/, error: 'must be smtp://host:port' }).optional(),
  MAIL_FROM: z.string().default('orders@quayside.example'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Local activities hold a workflow-task slot: 40 slots allow 31 intakes at once, 200 allow 191. */
  WORKER_WORKFLOW_SLOTS: count(200),
  WORKER_CARRIER_SLOTS: count(100),
  WORKER_CACHED_WORKFLOWS: count(1000),
});

export type Config = z.infer<typeof schema>;

/** @throws Error that lists every wrong variable, one a line. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  // An empty variable is an unset one: compose files and shells can't express the difference.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`the configuration is wrong:\n${problems.join('\n')}`);
}

/** A value that this role can't do without. @throws Error that names the variable. */
export function required<Name extends keyof Config>(config: Config, name: Name): NonNullable<Config[Name]> {
  const value = config[name];
  if (value === undefined || value === null) throw new Error(`${name} must be set for this role`);
  return value as NonNullable<Config[Name]>;
}
