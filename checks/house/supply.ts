/**
 * `npm run supply`: what the product is made of. Writes the bill of materials (CycloneDX) of what an image
 * installs, and looks at three things: every package's licence is one that an Apache-2.0 product may carry,
 * the lockfile pins each by its digest and names no address to fetch it from, and the registry knows of no
 * grave weakness. A registry without that service, or no network, leaves the last out and says so.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const BILL = 'sbom.cdx.json';
/** A closed network often drops packets silently; a registry that answers does so in a second or two. */
const NPM_TIMEOUT_MS = 60_000;

const LICENCES = [
  ...['MIT', 'MIT-0', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD'],
  ...['BlueOak-1.0.0', 'Unlicense', 'CC0-1.0', 'PSF-2.0', 'CC-BY-3.0', 'PostgreSQL'],
];
/** Whose package.json has no licence in SPDX's words; read in their LICENSE files. */
const READ_BY_HAND: Readonly<Record<string, string>> = { 'png-js': 'MIT', zipcodes: 'BSD-3-Clause' };

interface Component {
  readonly name: string;
  readonly version: string;
  readonly licenses?: readonly {
    readonly license?: { readonly id?: string };
    readonly expression?: string;
  }[];
}

interface Verdict {
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly detail: string;
}

/** What npm prints; with what it ended as, for `audit` ends with 1 when it found something. */
function npm(...args: string[]): Promise<{ readonly ok: boolean; readonly stdout: string }> {
  const command = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const options = { cwd: root, timeout: NPM_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout) => resolve({ ok: error === null, stdout }));
  });
}

async function licences(): Promise<Verdict> {
  const { ok, stdout } = await npm('sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev');
  if (!ok) return { outcome: 'failed', detail: `npm sbom failed: ${stdout.slice(0, 500)}` };
  writeFileSync(join(root, BILL), stdout);
  const { components } = JSON.parse(stdout) as { components: readonly Component[] };
  const odd = components.filter((component) => !licencesOf(component).every((id) => LICENCES.includes(id)));
  const detail = `${components.length} packages in ${BILL}`;
  if (components.length > 0 && odd.length === 0) return { outcome: 'passed', detail };
  const named = odd.map((one) => `${one.name}@${one.version} (${licencesOf(one).join(', ')})`);
  return { outcome: 'failed', detail: `${detail}; not allowed, or not looked at: ${named.join('; ')}` };
}

/** Every licence that must be kept: of alternatives ("A OR B") the first one that is allowed. */
function licencesOf({ name, licenses = [] }: Component): string[] {
  const texts = licenses.map(({ license, expression }) => license?.id ?? expression ?? 'unknown');
  if (texts.length === 0) return [READ_BY_HAND[name] ?? 'unknown'];
  return texts.flatMap((text) =>
    text
      .replace(/[()]/g, '')
      .split(' AND ')
      .map((part) => {
        const choices = part.split(' OR ').map((choice) => choice.trim());
        return choices.find((choice) => LICENCES.includes(choice)) ?? part.trim();
      }),
  );
}

interface Locked {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly link?: boolean;
}

async function lockfile(): Promise<Verdict> {
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, Locked>> };
  const all = Object.entries(packages).filter(([path, entry]) => path !== '' && entry.link !== true);
  const bare = all.filter(([, entry]) => entry.integrity === undefined);
  // Native halves for machines that the lockfile was never made on: named, but their bytes were never seen.
  const unpinned = bare.filter(([, entry]) => entry.optional !== true);
  const placed = all.filter(([, entry]) => entry.resolved !== undefined);
  if (unpinned.length + placed.length === 0)
    return {
      outcome: 'passed',
      detail: `${all.length} packages, none by an address, ${bare.length} for other platforms without a digest`,
    };
  const named = [
    ...unpinned.map(([path]) => `${path} has no digest`),
    ...placed.map(([path]) => `${path} has an address`),
  ];
  return { outcome: 'failed', detail: named.join('; ') };
}

async function audit(): Promise<Verdict> {
  const { stdout } = await npm('audit', '--omit', 'dev', '--json');
  const report = readJson(stdout) as {
    readonly metadata?: { readonly vulnerabilities?: Readonly<Record<string, number>> };
    readonly message?: string;
  } | null;
  const found = report?.metadata?.vulnerabilities;
  if (found === undefined)
    return { outcome: 'skipped', detail: `the registry gave no answer (${report?.message ?? 'none'})` };
  const { high = 0, critical = 0, total = 0 } = found;
  const detail = `${total} known weaknesses, ${high} high, ${critical} critical`;
  if (high + critical === 0) return { outcome: 'passed', detail };
  return { outcome: 'failed', detail: `${detail}; npm audit names them` };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function main(): Promise<number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [name, look] of Object.entries({ licences, lockfile, audit })) {
    const { outcome, detail } = await look();
    counts[outcome] += 1;
    const mark = { passed: 'ok     ', failed: 'FAIL   ', skipped: 'SKIPPED' }[outcome];
    console.log(`${mark}  ${name.padEnd(8)}  ${detail}`);
  }
  console.log(`supply: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed === 0 ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
