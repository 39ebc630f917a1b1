/**
 * The workflow bundle, built once per content and kept in the data directory. Its identity is a digest of
 * everything that goes into it (the sources of workflows and domain, and the packages bundled with them),
 * so that machines with the same release agree on the build id wherever they lie, and a changed workflow
 * is a new build. Bundles stay until their build is drained: a pinned order needs the one it began on.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

const ROOT = path.resolve(__dirname, '..');
/** Sources that a workflow can reach by the import rules. */
const SOURCES = ['workflows', 'domain'];
const BUNDLED_PACKAGES = ['@temporalio/workflow', '@temporalio/common', 'zod'];

export interface Bundle {
  readonly buildId: string;
  readonly codePath: string;
}

/** The present sources' bundle; built (5 s) when the data directory has none for them. */
export async function currentBundle(dataDir: string): Promise<Bundle> {
  const dir = path.join(dataDir, 'bundles');
  const buildId = sourceDigest();
  const codePath = path.join(dir, `${buildId}.js`);
  if (!existsSync(codePath)) {
    mkdirSync(dir, { recursive: true });
    const { code } = await bundleWorkflowCode({
      workflowsPath: path.join(ROOT, 'workflows/index.ts'),
      logger: quiet,
    });
    // Two workers that start together may both build: each renames a whole file into place.
    const temporary = `${codePath}.${process.pid}`;
    writeFileSync(temporary, code);
    renameSync(temporary, codePath);
  }
  return { buildId, codePath };
}

/** Bundles of earlier builds that are still in the data directory. */
export function earlierBundles(dataDir: string, current: Bundle): Bundle[] {
  const dir = path.join(dataDir, 'bundles');
  return readdirSync(dir)
    .filter((name) => /^[0-9a-f]{16}\.js$/.test(name) && name !== `${current.buildId}.js`)
    .map((name) => ({ buildId: name.slice(0, 16), codePath: path.join(dir, name) }));
}

function sourceDigest(): string {
  const hash = createHash('sha256');
  const require = createRequire(__filename);
  for (const name of BUNDLED_PACKAGES) {
    const manifest = findManifest(require.resolve(name), name);
    hash.update(`${name}@${manifest.version}\n`);
  }
  for (const file of SOURCES.flatMap((folder) => filesIn(path.join(ROOT, folder))).sort()) {
    hash.update(`${path.relative(ROOT, file).split(path.sep).join('/')}\n`).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 16);
}

function findManifest(entry: string, name: string): { readonly version: string } {
  for (let dir = path.dirname(entry); dir !== path.dirname(dir); dir = path.dirname(dir)) {
    const file = path.join(dir, 'package.json');
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
    if (manifest.name === name && manifest.version !== undefined) return { version: manifest.version };
  }
  throw new Error(`${name} is not installed`);
}

function filesIn(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(dir, entry.name);
    return entry.isDirectory() ? filesIn(file) : entry.name.endsWith('.ts') ? [file] : [];
  });
}

/** The bundler narrates its webpack run; only trouble is worth a line. */
const quiet = {
  log: () => undefined,
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: (message: string) => process.stderr.write(`${message}\n`),
  error: (message: string) => process.stderr.write(`${message}\n`),
};
