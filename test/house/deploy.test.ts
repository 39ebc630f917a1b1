/**
 * What deploy/ repeats from the code, because a shell script or a manifest can't import it, stays equal to
 * the code. The files themselves need a container engine to run; that is said in deploy/README.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../workflows/shared/search-attributes';

const root = join(__dirname, '..', '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('the deployment registers exactly the search attributes that the workflows set', () => {
  const script = read('deploy/temporal/search-attributes.sh');
  const registered = [...script.matchAll(/^create (\w+) (\w+)$/gm)].map(([, name, type]) => ({ name, type }));
  expect(registered).toEqual(SEARCH_ATTRIBUTES.map(({ name, type }) => ({ name, type })));
});
