import { loadConfig, required } from '../../config';

const KEY = Buffer.alloc(32, 7).toString('base64');

test('nothing set is a local installation with the documented defaults', () => {
  expect(loadConfig({})).toMatchObject({
    TEMPORAL_ADDRESS: '127.0.0.1:7233',
    TEMPORAL_NAMESPACE: 'default',
    API_HOST: '127.0.0.1',
    API_PORT: 8080,
    OUTGOING_ALLOW_HOSTS: [],
    LOG_LEVEL: 'info',
  });
});

test('what is unknown is ignored, and an empty variable is an unset one', () => {
  expect(loadConfig({ API_PORT: '', HOME: '/root', QUAYSIDE_SURPRISE: 'x' })).toEqual(loadConfig({}));
});

test('numbers, switches, lists and keys come as what they are', () => {
  const config = loadConfig({
    DATABASE_URL: 'postgres://owner:p%40ss@db.example:5432/quayside',
    API_PORT: '9000',
    TEMPORAL_TLS: 'true',
    OUTGOING_ALLOW_HOSTS: '127.0.0.1:9101, [::1]:9102,',
    QUAYSIDE_ENCRYPTION_KEYS: `new:${KEY},old:${KEY}`,
  });
  expect(config.API_PORT).toBe(9000);
  expect(config.TEMPORAL_TLS).toBe(true);
  expect(config.OUTGOING_ALLOW_HOSTS).toEqual(['127.0.0.1:9101', '[::1]:9102']);
  expect(config.QUAYSIDE_ENCRYPTION_KEYS?.map(({ id, key }) => [id, key.length])).toEqual([
    ['new', 32],
    ['old', 32],
  ]);
});

test('everything that is wrong is named in one error, without the values, which may be secrets', () => {
  const wrong = {
    DATABASE_URL: 'mysql://user:hunter2@db/quayside',
    DATABASE_APP_URL: 'hunter2',
    TEMPORAL_ADDRESS: 'temporal',
    TEMPORAL_TLS: 'hunter2',
    API_PORT: '70000',
    PUBLIC_URL: 'ftp://hunter2',
    QUAYSIDE_ENCRYPTION_KEYS: 'hunter2',
    OUTGOING_ALLOW_HOSTS: '127.0.0.1',
    SMTP_URL: 'https://mail.example',
    LOG_LEVEL: 'loud',
    WORKER_WORKFLOW_SLOTS: 'many',
  };
  const message = (() => {
    try {
      loadConfig(wrong);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  })();
  for (const name of Object.keys(wrong)) expect(message).toMatch(new RegExp(`^  ${name}[:.]`, 'm'));
  expect(message).not.toContain('hunter2');
});

test('two encryption keys of the same id are refused, for one of them would never decrypt', () => {
  expect(() => loadConfig({ QUAYSIDE_ENCRYPTION_KEYS: `a:${KEY},a:${KEY}` })).toThrow(
    'two keys have the same id',
  );
});

test('a variable that a role needs is asked for by its name', () => {
  expect(() => required(loadConfig({}), 'DATABASE_APP_URL')).toThrow(
    'DATABASE_APP_URL must be set for this role',
  );
});
