/**
 * The `quayside` command. Each command is a file of its own that registers itself, and only the file of
 * the command that is asked for is loaded, for the whole engine takes seconds to load. An error that a
 * person can act on is one line and a hint; anything else is a fault and shows its stack. Exit codes:
 * 0 done, 1 failed or found something, 2 wrong usage.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { CommandError } from './command-error';
import { CLONE } from './data-dir';

interface CommandFile {
  /** The commands that the file registers. */
  readonly names: readonly string[];
  readonly load: () => { readonly register: (program: Command) => void };
}

/* eslint-disable @typescript-eslint/no-require-imports -- the point of this table: see the header */
/** In the order in which the help lists them. */
const FILES: readonly CommandFile[] = [
  { names: ['up'], load: () => require('./up') as typeof import('./up') },
  { names: ['doctor'], load: () => require('./doctor') as typeof import('./doctor') },
  { names: ['demo'], load: () => require('./demo') as typeof import('./demo') },
  { names: ['orders'], load: () => require('./orders') as typeof import('./orders') },
  { names: ['route'], load: () => require('./route') as typeof import('./route') },
  { names: ['warehouses'], load: () => require('./warehouses') as typeof import('./warehouses') },
  { names: ['stuck'], load: () => require('./stuck') as typeof import('./stuck') },
  { names: ['sim'], load: () => require('./sim') as typeof import('./sim') },
  { names: ['import'], load: () => require('./import') as typeof import('./import') },
  { names: ['stock'], load: () => require('./stock') as typeof import('./stock') },
  { names: ['counts'], load: () => require('./counts') as typeof import('./counts') },
  { names: ['channels'], load: () => require('./channels') as typeof import('./channels') },
  { names: ['work-orders'], load: () => require('./work-orders') as typeof import('./work-orders') },
  { names: ['replay'], load: () => require('./replay') as typeof import('./replay') },
  { names: ['check'], load: () => require('./check') as typeof import('./check') },
  { names: ['rebuild'], load: () => require('./rebuild') as typeof import('./rebuild') },
  { names: ['keys'], load: () => require('./keys') as typeof import('./keys') },
  { names: ['connect'], load: () => require('./connect') as typeof import('./connect') },
  { names: ['seed'], load: () => require('./seed') as typeof import('./seed') },
  { names: ['migrate'], load: () => require('./migrate') as typeof import('./migrate') },
  {
    names: ['api', 'worker', 'dispatcher', 'simulators'],
    load: () => require('./roles') as typeof import('./roles'),
  },
];
/* eslint-enable @typescript-eslint/no-require-imports */

/** @param argv arguments after the command's name. @returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  // Whoever reads our output may stop reading (`quayside orders | head`); that is no fault of anybody.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  const program = new Command('quayside')
    .description('A workflow-orchestrated fulfilment engine.')
    .version(versionOf())
    .showHelpAfterError('(quayside help COMMAND tells more)');
  const asked = FILES.find(({ names }) => names.includes(argv[0] ?? ''));
  for (const { load } of asked === undefined ? FILES : [asked]) load().register(program);
  throwInsteadOfExit(program);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return explain(error);
  }
}

/** Commander would end the process, and with it what is still being written to a pipe. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const sub of command.commands) throwInsteadOfExit(sub);
}

function versionOf(): string {
  const manifest = JSON.parse(readFileSync(join(CLONE, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

/** Errors of provisioning whose messages say what to do; by name, for their files are not loaded here. */
const PLAIN_ERRORS = ['PortBusyError', 'InUseError'];

function explain(error: unknown): number {
  // Commander has said what is wrong itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof CommandError) {
    process.stderr.write(`quayside: ${error.message}\n`);
    if (error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`);
    return error.exitCode;
  }
  const plain = error instanceof Error && PLAIN_ERRORS.includes(error.name);
  const text =
    error instanceof Error ? (plain ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`quayside: ${text}\n`);
  return 1;
}
