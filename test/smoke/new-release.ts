/**
 * The smoke of an update: an order waits on an engine that is killed, the workflow's code changes so that
 * the order's history could not be replayed on it, and the next `npm start` on the same data goes on with
 * both: the old order ends on the build it began on, a new one runs on the new build. The old and the new
 * release are a copy of this clone before and after a line is added to its workflow.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loadConfig } from '../../config';
import { connectTemporal } from '../../temporal/client';
import { createPayloadCodec } from '../../temporal/payload-codec';
import { copyClone } from '../support/clone-copy';
import {
  assertNothingLeft,
  type Engine,
  killLeftovers,
  quayside,
  startByNpm,
  stopByInterrupt,
} from './engine';
import { tell } from './tell';

// A start takes 10 s on an idle machine, 5 s of which is the workflow bundle.
const upWithinMs = 120_000;
// The walk of an order through floor and carrier takes some seconds at this pace.
const orderWithinMs = 60_000;
const QUICK = {
  SIMULATOR_FIRST_SCAN_MS: '1000',
  SIMULATOR_TRANSIT_STEP_MS: '200',
  SIMULATOR_FLOOR_PACE_MS: '50',
};

/** Where the new release differs: a timer that old histories don't have. */
const WORKFLOW = 'workflows/order/order.workflow.ts';
const BEFORE = '    await order.takeIn();\n';
const AFTER = `    await condition(() => false, '10 milliseconds');\n${BEFORE}`;

interface Running {
  readonly simulators: { readonly shop: string };
  readonly temporalAddress: string;
  readonly environment: { readonly QUAYSIDE_ENCRYPTION_KEYS: string };
}

interface Order {
  readonly id: string;
  readonly externalId: string;
  readonly state: string;
  readonly blockedReason: string | null;
}

interface Run {
  readonly buildId: string;
  readonly timers: number;
  readonly status: string;
}

class Release {
  readonly clone = copyClone();
  readonly dataDir = mkdtempSync(join(tmpdir(), 'quayside-release-'));
  readonly engines: Engine[] = [];
  old: { externalId: string; buildId: string } = { externalId: '', buildId: '' };

  get engine(): Engine {
    const engine = this.engines.at(-1);
    if (engine === undefined) throw new Error('no engine was started');
    return engine;
  }

  async start(): Promise<void> {
    const engine = startByNpm(this.clone, this.dataDir, ['--rate', '0'], QUICK);
    this.engines.push(engine);
    await until('npm start is up', upWithinMs, async () => {
      if (engine.child.exitCode !== null) throw new Error(`npm start ended with ${engine.child.exitCode}`);
      return engine.output.join('').includes('Ctrl-C stops');
    });
  }

  /** As `kill -9` of what a person started: npm, the parent of everything. */
  async kill(): Promise<void> {
    this.engine.child.kill('SIGKILL');
    await assertNothingLeft(this.engine, 45_000);
  }

  changeWorkflow(): void {
    const file = join(this.clone, WORKFLOW);
    const text = readFileSync(file, 'utf8');
    if (text.split(BEFORE).length !== 2) throw new Error(`${WORKFLOW} has no single place for the change`);
    writeFileSync(file, text.replace(BEFORE, AFTER));
  }

  async place(flaw?: string): Promise<string> {
    const answer = await this.shop('', { demo: { seed: 7, ...(flaw === undefined ? {} : { flaw }) } });
    // The id is a number beyond 2^53, so it is read as text.
    const id = /"order":\{"id":(\d+)/.exec(answer)?.[1];
    if (id === undefined) throw new Error(`the shop answered no order: ${answer.slice(0, 200)}`);
    return id;
  }

  async shop(path: string, body: unknown): Promise<string> {
    const answer = await fetch(`${this.running().simulators.shop}/__shop/orders${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`the shop answered ${answer.status}`);
    return answer.text();
  }

  async becomes(externalId: string, so: (order: Order) => boolean): Promise<Order> {
    let found: Order | undefined;
    await until(`order ${externalId} as expected`, orderWithinMs, async () => {
      const orders = JSON.parse(await quayside(this.engine, 'orders', '--json')) as Order[];
      found = orders.find((order) => order.externalId === externalId);
      return found !== undefined && so(found);
    });
    return found as Order;
  }

  /** What Temporal says of the order's run. */
  async runOf(externalId: string): Promise<Run> {
    const { temporalAddress, environment } = this.running();
    const { QUAYSIDE_ENCRYPTION_KEYS: keys = [] } = loadConfig({
      QUAYSIDE_ENCRYPTION_KEYS: environment.QUAYSIDE_ENCRYPTION_KEYS,
    });
    const client = connectTemporal({
      address: temporalAddress,
      namespace: 'default',
      codec: createPayloadCodec(keys),
    });
    try {
      for await (const { workflowId } of client.workflow.list()) {
        if (!workflowId.endsWith(`:${externalId}`)) continue;
        const handle = client.workflow.getHandle(workflowId);
        const { raw, status } = await handle.describe();
        const { events } = await handle.fetchHistory();
        const { versioningInfo } = raw.workflowExecutionInfo ?? {};
        return {
          buildId: versioningInfo?.deploymentVersion?.buildId ?? '',
          timers: (events ?? []).filter((event) => event.timerStartedEventAttributes).length,
          status: status.name,
        };
      }
      throw new Error(`no workflow of order ${externalId}`);
    } finally {
      await client.connection.close();
    }
  }

  async cleanUp(): Promise<void> {
    for (const engine of this.engines) await killLeftovers(engine);
    for (const dir of [this.clone, this.dataDir]) rmSync(dir, { recursive: true, force: true });
  }

  private running(): Running {
    return JSON.parse(readFileSync(join(this.dataDir, 'running.json'), 'utf8')) as Running;
  }
}

async function until(what: string, withinMs: number, look: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await look())) {
    if (Date.now() > deadline) throw new Error(`waited ${withinMs / 1000} s for: ${what}`);
    await pause(500);
  }
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`);
}

async function oldOrderEnds(release: Release): Promise<void> {
  const { externalId, buildId } = release.old;
  await release.shop(`/${externalId}/pay`, {});
  await release.becomes(externalId, ({ state }) => state === 'closed');
  const run = await release.runOf(externalId);
  expect(run.status === 'COMPLETED' && run.buildId === buildId && run.timers === 0, JSON.stringify(run));
}

async function newOrderEnds(release: Release): Promise<void> {
  const externalId = await release.place();
  await release.becomes(externalId, ({ state }) => state === 'closed');
  const run = await release.runOf(externalId);
  expect(
    run.status === 'COMPLETED' && run.buildId !== release.old.buildId && run.timers === 1,
    JSON.stringify(run),
  );
}

async function orderWaits(release: Release): Promise<void> {
  const externalId = await release.place('payment_pending');
  await release.becomes(externalId, ({ blockedReason }) => blockedReason === 'payment_pending');
  const { buildId } = await release.runOf(externalId);
  expect(existsSync(join(release.dataDir, 'bundles', `${buildId}.js`)), `a bundle of build ${buildId}`);
  release.old = { externalId, buildId };
}

async function main(): Promise<number> {
  const release = new Release();
  try {
    return await tell(
      'new release',
      [
        ['the old release is up', () => release.start()],
        ['an order waits for its payment', () => orderWaits(release)],
        ['kill -9 of npm leaves no process behind', () => release.kill()],
        [
          'the workflow changes; the new release is up on the same data',
          async () => {
            release.changeWorkflow();
            await release.start();
          },
        ],
        ['a new order ends on the new build', () => newOrderEnds(release)],
        ['the old order is paid and ends on the old build', () => oldOrderEnds(release)],
        ['quayside check is clean', () => quayside(release.engine, 'check')],
        ['stops on Ctrl-C', () => stopByInterrupt(release.engine)],
        ['no process left behind', () => assertNothingLeft(release.engine)],
      ],
      () => release.engines.flatMap(({ output }) => output).join(''),
    );
  } finally {
    await release.cleanUp();
  }
}

main().then(
  (failed) => {
    process.exitCode = failed === 0 ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
