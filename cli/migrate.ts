/** `quayside migrate`: brings the database to this release's schema; what a deployment runs first. */
import type { Command } from 'commander';
import { loadConfig, required } from '../config';
import { ensureRoles, migrate } from '../db/migrate';
import { CommandError } from './command-error';

/** What the three working roles log in with; `migrate` sets them, their URLs carry them. */
const PASSWORDS = {
  app: 'QUAYSIDE_APP_PASSWORD',
  system: 'QUAYSIDE_SYSTEM_PASSWORD',
  check: 'QUAYSIDE_CHECK_PASSWORD',
} as const;

export function register(program: Command): void {
  program
    .command('migrate')
    .summary('make the database roles and bring the schema up to date')
    .description(
      `Needs DATABASE_URL, the address of the schema's owner (not a superuser; with CREATEROLE), and, to make the working roles or change their passwords, ${Object.values(PASSWORDS).join(', ')}. Safe to repeat.`,
    )
    .action(run);
}

async function run(): Promise<void> {
  const ownerUrl = required(loadConfig(), 'DATABASE_URL');
  const value = (name: string): string => process.env[name] ?? '';
  const missing = Object.values(PASSWORDS).filter((name) => value(name) === '');
  if (missing.length > 0 && missing.length < Object.keys(PASSWORDS).length)
    throw new CommandError(`${missing.join(' and ')} must be set too`, 2, 'set all three passwords, or none');
  if (missing.length === 0)
    await ensureRoles(ownerUrl, {
      app: value(PASSWORDS.app),
      system: value(PASSWORDS.system),
      check: value(PASSWORDS.check),
    });
  const names = await migrate(ownerUrl);
  process.stdout.write(names.length === 0 ? 'the schema is up to date\n' : `${names.join('\n')}\n`);
}
