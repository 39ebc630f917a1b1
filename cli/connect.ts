/**
 * `quayside connect`: a shop for a merchant, a carrier for an organisation, straight in the database, for
 * only whoever holds the encryption keys can seal a partner's secrets. They come from the environment and
 * never from the command line, where every process of the machine could read them.
 */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import {
  addWebhookEndpoint,
  changeSecrets,
  connectPartner,
  type PartnerKind,
  type Secrets,
} from '../commands/partners/connect-partner';
import { type Config, loadConfig, required } from '../config';
import { Database } from '../db/client';
import { findMerchantsCalled, findPartner } from '../db/connection-write.repo';
import { CommandError } from './command-error';
import { findRunning, locateDataDir } from './data-dir';

interface PartnerNeeds {
  /** Environment variable of each secret. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Made up when the variable is not set: both sides of the generic channel are free to agree on any. */
  readonly drawn?: boolean;
  readonly url?: string;
}

const PARTNERS: Readonly<Record<PartnerKind, PartnerNeeds>> = {
  shopify: { secrets: { accessToken: 'SHOPIFY_ACCESS_TOKEN', webhookSecret: 'SHOPIFY_WEBHOOK_SECRET' } },
  easypost: {
    secrets: { apiKey: 'EASYPOST_API_KEY', webhookSecret: 'EASYPOST_WEBHOOK_SECRET' },
    url: 'https://api.easypost.com',
  },
  generic: {
    secrets: { signingSecret: 'CHANNEL_SIGNING_SECRET', webhookSecret: 'CHANNEL_WEBHOOK_SECRET' },
    drawn: true,
  },
};

/** Who did it, in the audit log: whoever has the database's address and the keys. */
const ACTOR = 'system';

interface ConnectFlags {
  readonly merchant: string;
  readonly name: string;
  readonly url?: string;
  readonly allMerchants?: boolean;
  readonly json?: boolean;
  readonly dataDir?: string;
}

const ENVIRONMENT = Object.entries(PARTNERS)
  .map(([kind, { secrets }]) => `  ${kind}: ${Object.values(secrets).join(', ')}`)
  .join('\n');

export function register(program: Command): void {
  const connect = program
    .command('connect')
    .summary('connect a shop or a carrier, or change their secrets')
    .addHelpText(
      'after',
      `\nSecrets are read from the environment:\n${ENVIRONMENT}\nThe database and QUAYSIDE_ENCRYPTION_KEYS too, else from the engine of the data directory.`,
    );
  for (const kind of Object.keys(PARTNERS) as PartnerKind[]) {
    const command = connect
      .command(kind)
      .summary(`${SUMMARIES[kind]} (${Object.values(PARTNERS[kind].secrets).join(', ')})`)
      .requiredOption('--merchant <id>', 'id or slug')
      .requiredOption('--name <name>', 'what people call it')
      .option('--json', 'one object')
      .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
      .action((flags: ConnectFlags) => run(kind, flags));
    const { url } = PARTNERS[kind];
    if (url === undefined) command.requiredOption('--url <url>', URLS[kind]);
    else command.option('--url <url>', URLS[kind], url);
    if (kind === 'easypost')
      command.option('--all-merchants', "all merchants of the merchant's organisation");
  }
  connect
    .command('events')
    .summary("a merchant's own system that is to hear of its orders, by Standard Webhooks")
    .requiredOption('--merchant <id>', 'id or slug')
    .requiredOption('--url <url>', 'the address that takes our events')
    .option('--json', 'one object')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((flags: Omit<ConnectFlags, 'name'>) => addEvents(flags));
  connect
    .command('secrets <id>')
    .summary('change secrets of a connection; the webhook secret before stays valid until this is run again')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((id: string, flags: { dataDir?: string }) => change(id, flags.dataDir));
}

const SUMMARIES: Readonly<Record<PartnerKind, string>> = {
  shopify: 'a Shopify shop',
  easypost: 'an EasyPost account',
  generic: 'any shop, by Standard Webhooks',
};
const URLS: Readonly<Record<PartnerKind, string>> = {
  shopify: 'the shop, e.g. https://your-shop.myshopify.com',
  easypost: 'the API',
  generic: 'the address that takes our events',
};

async function run(kind: PartnerKind, flags: ConnectFlags): Promise<void> {
  await withDatabase(flags.dataDir, async (database, config) => {
    const baseUrl = urlOf(flags.url ?? PARTNERS[kind].url ?? '', config);
    const { secrets, drawn } = secretsOf(kind);
    const { organisationId, merchantId } = await merchantCalled(database, flags.merchant);
    const made = await database.withTenants(
      { merchantIds: [merchantId], organisationIds: [organisationId] },
      (tx) =>
        connectPartner(tx, {
          organisationId,
          merchantId: flags.allMerchants === true ? null : merchantId,
          kind,
          name: flags.name,
          baseUrl,
          secrets,
          keys: required(config, 'QUAYSIDE_ENCRYPTION_KEYS'),
          actor: ACTOR,
        }),
    );
    const origin = (config.PUBLIC_URL ?? `http://127.0.0.1:${config.API_PORT}`).replace(/\/+$/, '');
    const webhookUrl = `${origin}${made.webhookPath}`;
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ id: made.id, webhookUrl, ...drawn })}\n`);
      return;
    }
    const lines = [`${kind} is connected as ${made.id}`, `webhooks go to ${webhookUrl}`];
    for (const [name, value] of Object.entries(drawn)) lines.push(`${name} ${value}`);
    process.stdout.write(`${lines.join('\n')}\n`);
    process.stderr.write('Keep the address: it is shown this once.\n');
  });
}

async function addEvents(flags: Omit<ConnectFlags, 'name'>): Promise<void> {
  await withDatabase(flags.dataDir, async (database, config) => {
    const url = urlOf(flags.url ?? '', config);
    const { organisationId, merchantId } = await merchantCalled(database, flags.merchant);
    const secret = drawSecret();
    const keys = required(config, 'QUAYSIDE_ENCRYPTION_KEYS');
    const id = await database.withTenants(
      { merchantIds: [merchantId], organisationIds: [organisationId] },
      (tx) => addWebhookEndpoint(tx, { organisationId, merchantId, url, secret, keys, actor: ACTOR }),
    );
    process.stdout.write(
      flags.json ? `${JSON.stringify({ id, secret })}\n` : `events go to ${url} as ${id}\nsecret ${secret}\n`,
    );
    if (!flags.json) process.stderr.write('Keep the secret: it is shown this once.\n');
  });
}

async function merchantCalled(database: Database, idOrSlug: string) {
  const [merchant, ...others] = await database.withSystem((tx) => findMerchantsCalled(tx, idOrSlug));
  if (merchant === undefined) throw new CommandError(`there is no merchant ${idOrSlug}`);
  if (others.length > 0)
    throw new CommandError(`several organisations have a merchant ${idOrSlug}`, 2, 'give its id');
  return merchant;
}

/** In the form of the Standard Webhooks specification. */
function drawSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

async function change(id: string, dataDir: string | undefined): Promise<void> {
  await withDatabase(dataDir, async (database, config) => {
    const partner = await database.withSystem((tx) => findPartner(tx, id));
    if (partner === null || !(partner.kind in PARTNERS))
      throw new CommandError(`there is no connection ${id}`);
    const { organisationId, merchantId, table } = partner;
    const secrets = givenSecrets(partner.kind as PartnerKind);
    await database.withTenants(
      { merchantIds: merchantId === null ? [] : [merchantId], organisationIds: [organisationId] },
      (tx) =>
        changeSecrets(tx, {
          ...{ table, id, organisationId, merchantId, secrets, actor: ACTOR },
          keys: required(config, 'QUAYSIDE_ENCRYPTION_KEYS'),
        }),
    );
    const names = Object.keys(secrets);
    process.stdout.write(
      names.length === 0
        ? 'the webhook secret before is no longer valid\n'
        : `changed: ${names.join(', ')}\n`,
    );
  });
}

/** @throws CommandError for an address that the engine would refuse to call. */
function urlOf(text: string, config: Config): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw new CommandError(`"${text}" is no URL`, 2);
  if (url.protocol !== 'https:' && !config.OUTGOING_ALLOW_HOSTS.includes(url.host))
    throw new CommandError(`${text} is not https`, 2, `for a test, name ${url.host} in OUTGOING_ALLOW_HOSTS`);
  return text.replace(/\/+$/, '');
}

function givenSecrets(kind: PartnerKind): Secrets {
  const given = Object.entries(PARTNERS[kind].secrets).map(
    ([name, variable]) => [name, process.env[variable] ?? ''] as const,
  );
  return Object.fromEntries(given.filter(([, value]) => value !== ''));
}

/** @throws CommandError that names the variables that are not set. */
function secretsOf(kind: PartnerKind): { readonly secrets: Secrets; readonly drawn: Secrets } {
  const given = givenSecrets(kind);
  const { secrets, drawn: mayDraw } = PARTNERS[kind];
  const missing = Object.keys(secrets).filter((name) => given[name] === undefined);
  if (missing.length > 0 && mayDraw !== true)
    throw new CommandError(`${missing.map((name) => secrets[name]).join(' and ')} must be set`, 2);
  const drawn = Object.fromEntries(missing.map((name) => [name, drawSecret()]));
  return { secrets: { ...given, ...drawn }, drawn };
}

async function withDatabase(
  dataDir: string | undefined,
  work: (database: Database, config: Config) => Promise<void>,
): Promise<void> {
  const running = findRunning(locateDataDir(dataDir));
  const config = loadConfig({ ...running?.environment, ...process.env });
  const database = new Database({
    appUrl: required(config, 'DATABASE_APP_URL'),
    systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
    poolSize: 1,
  });
  try {
    await work(database, config);
  } finally {
    await database.close();
  }
}
