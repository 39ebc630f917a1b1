/**
 * The Java test server that skips time, for the few tests that wait for days. It knows no visibility
 * and no worker versions, so nothing else uses it. Maven fetches it once into the cache (38 MB, 10 s)
 * and a two-line launcher lies beside it, which the SDK takes as an existing executable. Where Java
 * or Maven is missing, the reason comes back and the tests that need it say so.
 */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir, oncePerCache } from './cache';

export type TimeSkippingServer = { readonly path: string } | { readonly path: null; readonly reason: string };

const VERSION = '1.38.0';

// 10 s with a near registry; the SDK's 38 MB over a slow line need minutes.
const FETCH_TIMEOUT_MS = 10 * 60_000;

/** The launcher of the time-skipping server, fetched when it isn't there, or why there is none. */
export async function findTimeSkippingServer(
  log: (line: string) => void,
  env: NodeJS.ProcessEnv = process.env,
): Promise<TimeSkippingServer> {
  if (!(await runs('java', ['-version'], env))) return { path: null, reason: 'there is no Java on the PATH' };
  const directory = join(cacheDir(env), `temporal-test-server-${VERSION}`);
  const path = join(directory, 'temporal-test-server');
  if (existsSync(path)) return { path };
  if (!(await runs('mvn', ['--version'], env)))
    return { path: null, reason: 'there is no Maven (mvn) on the PATH' };
  return await oncePerCache(
    'temporal-test-server',
    log,
    async () => {
      if (existsSync(path)) return { path };
      log('fetching the time-skipping test server (38 MB, once)');
      const reason = await fetchInto(directory, env);
      return reason === null ? { path } : { path: null, reason };
    },
    env,
  );
}

async function fetchInto(directory: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const draft = `${directory}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  try {
    writeFileSync(join(draft, 'pom.xml'), POM);
    const args = ['--batch-mode', '--quiet', '--file', join(draft, 'pom.xml')];
    args.push('dependency:copy-dependencies', `-DoutputDirectory=${draft}`, '-DincludeScope=runtime');
    await promisify(execFile)('mvn', args, { env, cwd: draft, timeout: FETCH_TIMEOUT_MS });
    // The client compiler alone: the server lives for one test file, too short for the optimiser.
    const launcher =
      '#!/bin/sh\nexec java -XX:TieredStopAtLevel=1 -cp "$(dirname "$0")/*" io.temporal.testserver.TestServer "$1"\n';
    writeFileSync(join(draft, 'temporal-test-server'), launcher);
    chmodSync(join(draft, 'temporal-test-server'), 0o755);
    renameSync(draft, directory);
    return null;
  } catch (error) {
    const { stdout, message } = error as { stdout?: string; message: string };
    return `Maven could not fetch it: ${(stdout || message).trim().slice(-500)}`;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>quayside</groupId>
  <artifactId>time-skipping</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>${VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

async function runs(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    // A cold Java needs a second or two; 20 s is for a machine that is busy.
    await promisify(execFile)(command, args, { env, timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}
