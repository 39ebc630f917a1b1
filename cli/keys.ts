/**
 * `quayside keys`: keys of the API. Over the API when an engine can be asked; the very first key of an
 * installation without the demo is made by `--bootstrap`, straight in the database, with its organisation.
 */
import type { Command } from 'commander';
import { uuidv7 } from 'uuidv7';
import type { z } from 'zod';
import { mintApiKey } from '../api/api-key';
import { loadConfig, required } from '../config';
import type { apiKeySchema, createdApiKeySchema } from '../contracts/organisation';
import { SCOPES, type Scope } from '../contracts/scopes';
import { insertApiKey } from '../db/api-key.repo';
import { Database } from '../db/client';
import { openApi } from './api-client';
import { CommandError } from './command-error';
import { findRunning, locateDataDir } from './data-dir';
import { table } from './screen';

type ApiKey = z.output<typeof apiKeySchema>;
type CreatedKey = z.output<typeof createdApiKeySchema>;

interface CreateFlags {
  readonly name: string;
  readonly scopes: string;
  readonly merchant?: string[];
  readonly person?: string;
  readonly expires?: string;
  readonly test?: boolean;
  readonly bootstrap?: string;
  readonly json?: boolean;
  readonly dataDir?: string;
}

export function register(program: Command): void {
  const keys = program.command('keys').summary('API keys: create, list, revoke');
  keys
    .command('create')
    .summary('make a key; it is shown once')
    .requiredOption('--name <name>', 'what it is for')
    .requiredOption('--scopes <scopes>', `comma-separated, or "all": ${SCOPES.join(', ')}`)
    .option('--merchant <id...>', 'only for these merchants (default: all of the organisation)')
    .option('--person <id>', 'whose key it is; the scope floor needs one')
    .option('--expires <time>', 'RFC 3339')
    .option('--test', 'a key that begins with qs_test_')
    .option(
      '--bootstrap <organisation>',
      'make an organisation of this name and its first key straight in the database (DATABASE_APP_URL, DATABASE_SYSTEM_URL)',
    )
    .option('--json', 'one object')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((flags: CreateFlags) => create(flags));
  keys
    .command('list')
    .summary('keys by their first characters')
    .option('--json', 'one array')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((flags: { json?: boolean; dataDir?: string }) => list(flags));
  keys
    .command('revoke <id>')
    .summary('take a key back, for good')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action(async (id: string, flags: { dataDir?: string }) => {
      await openApi(flags.dataDir).send('POST', `/v1/api-keys/${encodeURIComponent(id)}/revoke`);
      process.stdout.write(`${id} is revoked\n`);
    });
}

async function create(flags: CreateFlags): Promise<void> {
  const scopes = scopesOf(flags.scopes);
  const made =
    flags.bootstrap === undefined
      ? await openApi(flags.dataDir).send<CreatedKey>('POST', '/v1/api-keys', {
          name: flags.name,
          kind: flags.test ? 'test' : 'live',
          scopes,
          merchantIds: flags.merchant ?? null,
          personId: flags.person ?? null,
          expiresAt: flags.expires ?? null,
        })
      : await bootstrap(flags.bootstrap, flags, scopes);
  process.stdout.write(flags.json ? `${JSON.stringify(made)}\n` : `${made.key}\n`);
  if (!flags.json) process.stderr.write('Keep it: it is shown this once.\n');
}

function scopesOf(text: string): Scope[] {
  if (text === 'all') return SCOPES.filter((scope) => scope !== 'floor');
  const wanted = text.split(',').map((scope) => scope.trim());
  const unknown = wanted.filter((scope) => !SCOPES.includes(scope as Scope));
  if (unknown.length > 0)
    throw new CommandError(`there is no scope ${unknown.join(', ')}`, 2, `scopes are ${SCOPES.join(', ')}`);
  return wanted as Scope[];
}

/** The database comes from the environment, else from the engine that runs on the data directory. */
async function bootstrap(
  organisation: string,
  flags: CreateFlags,
  scopes: readonly Scope[],
): Promise<CreatedKey> {
  const running = findRunning(locateDataDir(flags.dataDir));
  const config = loadConfig({ ...running?.environment, ...process.env });
  const database = new Database({
    appUrl: required(config, 'DATABASE_APP_URL'),
    systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
    poolSize: 1,
  });
  try {
    const organisationId = uuidv7();
    const id = uuidv7();
    const { key, prefix, sha256 } = mintApiKey(flags.test ? 'test' : 'live');
    await database.withTenants({ merchantIds: [], organisationIds: [organisationId] }, async (tx) => {
      await tx.run({
        text: 'insert into organisation (id, name) values ($1, $2)',
        values: [organisationId, organisation],
      });
      await insertApiKey(tx, {
        id,
        organisationId,
        name: flags.name,
        prefix,
        sha256,
        scopes,
        merchantIds: null,
        personId: null,
        expiresAt: flags.expires === undefined ? null : new Date(flags.expires),
      });
    });
    return { id, prefix, key };
  } finally {
    await database.close();
  }
}

async function list(flags: { readonly json?: boolean; readonly dataDir?: string }): Promise<void> {
  const keys = await openApi(flags.dataDir).list<ApiKey>('/v1/api-keys', {}, 10_000);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(keys)}\n`);
    return;
  }
  const rows = keys.map((key) => [
    `${key.prefix}…`,
    key.revokedAt === null ? 'valid' : 'revoked',
    key.name,
    key.scopes.join(' '),
    key.id,
  ]);
  process.stdout.write(`${table(rows, ['KEY', 'STATE', 'NAME', 'SCOPES', 'ID'])}\n`);
}
