/**
 * All that a check reads is of one instant. A partner is made to answer late, which holds the check still
 * between its first query and the others; what is committed meanwhile must not be seen by any of them.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from 'pg';
import { type CheckReport, runCheck } from '../../checks/check';
import { Intake } from '../../commands/intake/intake';
import { stepKey } from '../../domain/step-key';
import { demoOrder, placeOrder } from '../support/order';
import { databaseUrl, testServers } from '../support/servers';
import { makeWorld, type World } from './world';

let world: World;
let superuser: Client;
let partner: Server;
let easypost: string;
/** What happens before the partner answers. */
let meanwhile: () => Promise<void> = async () => undefined;

beforeAll(async () => {
  world = await makeWorld();
  const { postgresUrl } = testServers();
  const name = new URL(world.urls.appUrl).pathname.slice(1);
  superuser = new Client({ connectionString: databaseUrl(postgresUrl, name, new URL(postgresUrl).username) });
  await superuser.connect();
  partner = createServer((_request, answer) => {
    meanwhile().then(
      () => answer.end('{"facts":[]}'),
      () => answer.writeHead(500).end(),
    );
  });
  await new Promise<void>((listening) => partner.listen(0, '127.0.0.1', listening));
  easypost = `http://127.0.0.1:${(partner.address() as AddressInfo).port}`;
}, 60_000);
afterAll(async () => {
  partner.close();
  await superuser.end();
  await world.drop();
});

const seen = ({ findings }: CheckReport) => findings.map(({ invariant, checked }) => [invariant, checked]);
const broken = ({ findings }: CheckReport) => findings.flatMap((each) => (each.ok ? [] : [each.invariant]));

/** Runs `write` after the check's first query and before all others. */
function checkWhile(write: () => Promise<void>): Promise<CheckReport> {
  let journals = 0;
  // The journal is read once before the snapshot and once in it.
  meanwhile = async () => {
    journals += 1;
    if (journals === 2) await write();
  };
  return runCheck(world.urls.checkUrl, { partners: { easypost } });
}

async function plan(): Promise<void> {
  const { merchant, database } = world;
  const { orderId } = await placeOrder(database, merchant, demoOrder([{ sku: 'A', quantity: 1 }]));
  const { merchantId } = merchant;
  const outcome = await new Intake(database).run({
    merchantId,
    orderId,
    stepKey: stepKey(orderId, 'intake'),
  });
  expect(outcome).toMatchObject({ kind: 'planned' });
}

test('an order that is planned while the check reads changes none of its figures', async () => {
  const before = seen(await checkWhile(async () => undefined));
  expect(seen(await checkWhile(plan))).toEqual(before);
  expect(seen(await checkWhile(async () => undefined))).not.toEqual(before);
});

test('books that break while the check reads are whole in it, and broken in the next one', async () => {
  const tamper = async (units: string) => {
    const text = `update stock_balance set on_hand = on_hand ${units}, reserved = reserved ${units} where on_hand > 50`;
    expect((await superuser.query(text)).rowCount).toBe(1);
  };
  expect(broken(await checkWhile(() => tamper('+ 1')))).toEqual([]);
  expect(broken(await checkWhile(async () => undefined))).toEqual(['1', '2']);
  await tamper('- 1');
  expect(broken(await checkWhile(async () => undefined))).toEqual([]);
});
