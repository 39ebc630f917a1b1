/**
 * Changes to a merchant's routing rules, zones and rates, each in the caller's transaction and audited
 * there. The catalogue's version is counted up first, so that an intake which is about to park an order
 * under the old rules looks again; orders that the old rules held up are woken.
 */
import { uuidv7 } from 'uuidv7';
import type { NewRule, Rates, RulePatch, Zones } from '../../contracts/routing';
import { audit } from '../../db/audit-log.repo';
import type { Tx } from '../../db/client';
import { connectionExists } from '../../db/connection.repo';
import {
  countRules,
  deleteRule,
  findRule,
  insertRule,
  type RoutingRuleRow,
  updateRule,
  zonesInRules,
} from '../../db/routing-rule.repo';
import {
  listRates,
  listZones,
  replaceRates,
  replaceZones,
  servingWarehouses,
} from '../../db/routing-table.repo';
import { Failure } from '../../domain/failure-types';
import type { Editor } from '../catalogue/change-product';
import { bumpCatalogVersion, wakeBlocked } from '../wake-orders';

/** Every order reads all of them: more is a program, not a list. */
const MOST_RULES = 200;

interface FieldError {
  readonly pointer: string;
  readonly message: string;
}

function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw new Failure('InvalidInput', 'it names what does not exist', { errors });
}

/** What a rule names and the merchant does not have. */
async function strangers(
  tx: Tx,
  merchantId: string,
  rule: Pick<RulePatch, 'conditions' | 'effects'>,
): Promise<FieldError[]> {
  const errors: FieldError[] = [];
  const { conditions = {}, effects = [] } = rule;
  const named = effects.flatMap((effect) => ('warehouseIds' in effect ? effect.warehouseIds : []));
  const serving = named.length === 0 ? new Set() : await servingWarehouses(tx, merchantId, named);
  for (const [index, effect] of effects.entries()) {
    const wrong = 'warehouseIds' in effect ? effect.warehouseIds.findIndex((id) => !serving.has(id)) : -1;
    if (wrong !== -1)
      errors.push({
        pointer: `/effects/${index}/warehouseIds/${wrong}`,
        message: 'no such warehouse serves the merchant',
      });
  }
  const zones = new Set((await listZones(tx, merchantId)).map(({ name }) => name));
  for (const [index, zone] of (conditions.zones ?? []).entries())
    if (!zones.has(zone))
      errors.push({ pointer: `/conditions/zones/${index}`, message: 'there is no such zone' });
  for (const [index, id] of (conditions.connectionIds ?? []).entries())
    if (!(await connectionExists(tx, merchantId, id)))
      errors.push({ pointer: `/conditions/connectionIds/${index}`, message: 'there is no such connection' });
  return errors;
}

/** Orders that waited under the old rules look again. */
async function wakeRouted(tx: Tx, merchantId: string): Promise<void> {
  await wakeBlocked(tx, merchantId, 'no_warehouse', 'routing_changed');
  await wakeBlocked(tx, merchantId, 'out_of_stock', 'routing_changed');
}

const factsOf = ({ name, position, conditions, effects, enabled }: RoutingRuleRow) => ({
  name,
  position,
  conditions,
  effects,
  enabled,
});

function record(
  tx: Tx,
  editor: Editor,
  merchantId: string,
  deed: {
    readonly action: string;
    readonly thingId: string;
    readonly before?: Readonly<Record<string, unknown>>;
    readonly after?: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  const thingKind = deed.action.slice(0, deed.action.indexOf('.'));
  return audit(tx, { ...editor, ...deed, merchantId, thingKind });
}

/** @throws Failure InvalidInput when it names what the merchant does not have, or there are too many. */
export async function createRule(
  tx: Tx,
  merchantId: string,
  rule: NewRule,
  editor: Editor,
): Promise<RoutingRuleRow> {
  await bumpCatalogVersion(tx, merchantId);
  refuse(await strangers(tx, merchantId, rule));
  if ((await countRules(tx, merchantId)) >= MOST_RULES)
    refuse([{ pointer: '', message: `a merchant has ${MOST_RULES} rules at most` }]);
  const row = await insertRule(tx, { ...rule, id: uuidv7(), merchantId });
  if (row.enabled) await wakeRouted(tx, merchantId);
  await record(tx, editor, merchantId, {
    action: 'routing_rule.create',
    thingId: row.id,
    after: factsOf(row),
  });
  return row;
}

/**
 * What is left out stays.
 * @returns `stale` when the rule is not of the expected version any more.
 * @throws Failure NotFound; InvalidInput when it names what the merchant does not have.
 */
export async function changeRule(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  patch: RulePatch,
  expectedVersion: bigint | null,
  editor: Editor,
): Promise<RoutingRuleRow | 'stale'> {
  const known = await findRule(tx, merchantIds, id);
  if (known === null) throw notFound();
  const { merchant_id: merchantId } = known;
  await bumpCatalogVersion(tx, merchantId);
  const before = await findRule(tx, merchantIds, id, 'lock');
  if (before === null) throw notFound();
  if (expectedVersion !== null && before.version !== expectedVersion) return 'stale';
  refuse(await strangers(tx, merchantId, patch));
  const row = await updateRule(tx, merchantId, id, {
    position: patch.position ?? before.position,
    name: patch.name ?? before.name,
    conditions: patch.conditions ?? before.conditions,
    effects: patch.effects ?? before.effects,
    enabled: patch.enabled ?? before.enabled,
  });
  await wakeRouted(tx, merchantId);
  await record(tx, editor, merchantId, {
    action: 'routing_rule.change',
    thingId: id,
    before: factsOf(before),
    after: factsOf(row),
  });
  return row;
}

/** @throws Failure NotFound. */
export async function removeRule(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  editor: Editor,
): Promise<void> {
  const known = await findRule(tx, merchantIds, id);
  if (known === null) throw notFound();
  await bumpCatalogVersion(tx, known.merchant_id);
  const row = await deleteRule(tx, merchantIds, id);
  if (row === null) throw notFound();
  await wakeRouted(tx, row.merchant_id);
  await record(tx, editor, row.merchant_id, {
    action: 'routing_rule.delete',
    thingId: id,
    before: factsOf(row),
  });
}

const notFound = () => new Failure('NotFound', 'there is no such rule');

/** Replaces all zones. @throws Failure InvalidInput when one is missing that a rule or a rate names. */
export async function setZones(tx: Tx, merchantId: string, { zones }: Zones, editor: Editor): Promise<void> {
  await bumpCatalogVersion(tx, merchantId);
  const kept = new Set(zones.map(({ name }) => name));
  const named = [
    ...(await zonesInRules(tx, merchantId)),
    ...(await listRates(tx, merchantId)).flatMap(({ zone }) => zone ?? []),
  ];
  const missing = [...new Set(named)].filter((zone) => !kept.has(zone));
  refuse(missing.map((zone) => ({ pointer: '/zones', message: `"${zone}" is named by a rule or a rate` })));
  await replaceZones(tx, merchantId, zones);
  await wakeRouted(tx, merchantId);
  await record(tx, editor, merchantId, {
    action: 'routing_zones.set',
    thingId: merchantId,
    after: { zones: zones.length },
  });
}

/** Replaces all rates. @throws Failure InvalidInput for a zone or warehouse that the merchant does not have. */
export async function setRates(tx: Tx, merchantId: string, { rates }: Rates, editor: Editor): Promise<void> {
  await bumpCatalogVersion(tx, merchantId);
  const zones = new Set((await listZones(tx, merchantId)).map(({ name }) => name));
  const serving = await servingWarehouses(
    tx,
    merchantId,
    rates.map(({ warehouseId }) => warehouseId),
  );
  refuse(
    rates.flatMap(({ warehouseId, zone }, index) => [
      ...(serving.has(warehouseId)
        ? []
        : [{ pointer: `/rates/${index}/warehouseId`, message: 'no such warehouse serves the merchant' }]),
      ...(zone === null || zones.has(zone)
        ? []
        : [{ pointer: `/rates/${index}/zone`, message: 'there is no such zone' }]),
    ]),
  );
  await replaceRates(tx, merchantId, rates);
  await record(tx, editor, merchantId, {
    action: 'routing_rates.set',
    thingId: merchantId,
    after: { rates: rates.length },
  });
}
