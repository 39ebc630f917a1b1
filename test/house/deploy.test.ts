/**
 * What deploy/ repeats from the code, because a shell script or a manifest can't import it, stays equal to
 * the code. The files themselves need a container engine to run; that is said in deploy/README.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../config';
import { simulatorsConfig, simulatorsEnvironment } from '../../simulators/main';
import { SEARCH_ATTRIBUTES } from '../../workflows/shared/search-attributes';

const root = join(__dirname, '..', '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('the deployment registers exactly the search attributes that the workflows set', () => {
  const script = read('deploy/temporal/search-attributes.sh');
  const registered = [...script.matchAll(/^create (\w+) (\w+)$/gm)].map(([, name, type]) => ({ name, type }));
  expect(registered).toEqual(SEARCH_ATTRIBUTES.map(({ name, type }) => ({ name, type })));
});

/** Names that are read elsewhere than in config.ts and simulators/main.ts, and where. */
const READ_ELSEWHERE = {
  'cli/migrate.ts': ['QUAYSIDE_APP_PASSWORD', 'QUAYSIDE_SYSTEM_PASSWORD', 'QUAYSIDE_CHECK_PASSWORD'],
  'cli/api-client.ts': ['QUAYSIDE_API_URL', 'QUAYSIDE_API_KEY'],
  'provision/cache.ts': ['QUAYSIDE_CACHE'],
};

/** The variables that config.ts declares, by its own text: the schema is not exported. */
const ofConfig = [...read('config.ts').matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(([, name]) => name as string);
const known = new Set([
  ...ofConfig,
  ...Object.keys(simulatorsEnvironment.shape),
  ...Object.values(READ_ELSEWHERE).flat(),
]);

test('.env.example lists every variable that a role reads, and none that nobody reads', () => {
  const listed = [...read('.env.example').matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name as string);
  expect([...listed].sort()).toEqual([...known].sort());
  for (const [file, names] of Object.entries(READ_ELSEWHERE))
    for (const name of names) expect(read(file)).toContain(name);
});

test('.env.example shows the defaults as they are', () => {
  const shown = Object.fromEntries(
    [...read('.env.example').matchAll(/^([A-Z_]+)=(.+)$/gm)].map(([, name, value]) => [name, value]),
  );
  expect(loadConfig(shown)).toEqual(loadConfig({}));
  const secret = { QUAYSIDE_DEMO_SECRET: 'not the one of any demo' };
  expect(simulatorsConfig({ ...shown, ...secret })).toEqual(simulatorsConfig(secret));
});

test.each([
  ['docker-compose.yml', /^ {4,6}([A-Z][A-Z_]+):/gm],
  ['docker-compose.demo.yml', /^ {2,6}([A-Z][A-Z_]+):/gm],
  ['deploy/kubernetes/settings.example.yaml', /^ {2}([A-Z][A-Z_]+):/gm],
  ['Dockerfile', /\b((?:QUAYSIDE|API|DATABASE|TEMPORAL)_[A-Z_]+)=/g],
])('%s gives the roles no variable that nobody reads', (file, pattern) => {
  const ofOthers = [
    ...['POSTGRES_PASSWORD', 'QUAYSIDE_OWNER_PASSWORD', 'TEMPORAL_DB_PASSWORD'],
    ...['DB', 'DB_PORT', 'POSTGRES_SEEDS', 'POSTGRES_USER', 'POSTGRES_PWD', 'DYNAMIC_CONFIG_FILE_PATH'],
    ...['TEMPORAL_CORS_ORIGINS', 'TEMPORAL_CODEC_ENDPOINT'],
  ];
  const given = [...read(file).matchAll(pattern)].map(([, name]) => name as string);
  expect(given.length).toBeGreaterThan(0);
  expect(given.filter((name) => !known.has(name) && !ofOthers.includes(name))).toEqual([]);
});

test('the example values of compose and Kubernetes are valid', () => {
  const compose = read('docker-compose.yml');
  const keys = /QUAYSIDE_ENCRYPTION_KEYS: \$\{QUAYSIDE_ENCRYPTION_KEYS:-(.+)\}/.exec(compose)?.[1];
  expect(loadConfig({ QUAYSIDE_ENCRYPTION_KEYS: keys }).QUAYSIDE_ENCRYPTION_KEYS).toHaveLength(1);
  const secret = /QUAYSIDE_DEMO_SECRET:-(.+)\}/.exec(read('docker-compose.demo.yml'))?.[1];
  expect(simulatorsConfig({ QUAYSIDE_DEMO_SECRET: secret }).QUAYSIDE_DEMO_SECRET).toBe(secret);
});
