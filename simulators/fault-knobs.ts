/**
 * What can go wrong at a partner, set at run time. A rule names which calls it concerns, what happens
 * to them, how likely, and how often at most; each rule draws from its own seeded generator, so the
 * same rules and the same sequence of calls give the same faults. Rules on HTTP calls are applied by
 * the middleware of `simulator-server.ts`, rules on webhooks by `webhook-sender.ts`; for a webhook
 * `operation` is its topic. Rules live in memory only: a restarted simulator is a healthy one.
 */
import { z } from 'zod';

export const CALL_FAULTS = [
  'latency',
  'rate_limit',
  'server_error',
  'success_then_timeout',
  'malformed_body',
  'connection_reset',
] as const;
export const WEBHOOK_FAULTS = [
  'duplicate_webhook',
  'reorder_webhooks',
  'lose_webhook',
  'forge_signature',
] as const;
export const FAULT_KINDS = [...CALL_FAULTS, ...WEBHOOK_FAULTS] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];
export type WebhookFaultKind = (typeof WEBHOOK_FAULTS)[number];

function isPathPattern(path: string): boolean {
  if (path.startsWith('/')) return true;
  if (!path.startsWith('^')) return false;
  try {
    new RegExp(path);
    return true;
  } catch {
    return false;
  }
}

export const faultRuleSchema = z.strictObject({
  match: z
    .strictObject({
      method: z
        .string()
        .max(10)
        .transform((method) => method.toUpperCase())
        .optional(),
      /** A prefix when it begins with "/", a regular expression when it begins with "^". */
      path: z
        .string()
        .max(200)
        .refine(isPathPattern, 'a path prefix that begins with / or a regular expression that begins with ^')
        .optional(),
      /** GraphQL operation name, or a webhook's topic. */
      operation: z.string().max(100).optional(),
    })
    .default({}),
  kind: z.enum(FAULT_KINDS),
  probability: z.number().min(0).max(1).default(1),
  /** How often it may strike; without it there is no limit. */
  times: z.int().min(1).max(1_000_000).optional(),
  /** Delay, wait the rate limit asks for, how long a reordered webhook is held, or a silent connection. */
  latencyMs: z.int().min(0).max(600_000).optional(),
  seed: z.int().min(0).max(0xffff_ffff).default(1),
});
export type FaultRule = z.output<typeof faultRuleSchema>;
export type FaultRuleInput = z.input<typeof faultRuleSchema>;

/** At most 100 rules: more than anybody reads, and each call walks all of them. */
export const faultRulesSchema = z.strictObject({ rules: z.array(faultRuleSchema).max(100) });

/** What a rule is asked about. */
export interface FaultSubject {
  readonly method?: string;
  readonly path?: string;
  readonly operation?: string | undefined;
}

export interface FaultRuleState extends FaultRule {
  /** How often the rule struck since it was set. */
  readonly struck: number;
}

/**
 * Uniform numbers in [0, 1) from a 32-bit seed (Mulberry32). Good enough to choose faults and demo
 * data, and the same on every machine.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface LiveRule {
  readonly rule: FaultRule;
  readonly random: () => number;
  struck: number;
}

export class FaultKnobs {
  private live: LiveRule[] = [];

  /** Replaces all rules. @throws ZodError when one is not valid; then nothing changes. */
  set(rules: readonly FaultRuleInput[]): void {
    const { rules: parsed } = faultRulesSchema.parse({ rules });
    this.live = parsed.map((rule) => ({ rule, random: seededRandom(rule.seed), struck: 0 }));
  }

  clear(): void {
    this.live = [];
  }

  list(): FaultRuleState[] {
    return this.live.map(({ rule, struck }) => ({ ...rule, struck }));
  }

  /** The rules of these kinds that strike this call now, in the order they were set. Counts them. */
  strike(kinds: readonly FaultKind[], subject: FaultSubject): FaultRule[] {
    const struck: FaultRule[] = [];
    for (const live of this.live) {
      const { rule } = live;
      if (!kinds.includes(rule.kind) || !concerns(rule, subject)) continue;
      if (rule.times !== undefined && live.struck >= rule.times) continue;
      if (live.random() >= rule.probability) continue;
      live.struck += 1;
      struck.push(rule);
    }
    return struck;
  }
}

function concerns(rule: FaultRule, subject: FaultSubject): boolean {
  const { method, path, operation } = rule.match;
  if (method !== undefined && method !== subject.method?.toUpperCase()) return false;
  if (operation !== undefined && operation !== subject.operation) return false;
  if (path === undefined) return true;
  if (subject.path === undefined) return false;
  return path.startsWith('^') ? new RegExp(path).test(subject.path) : subject.path.startsWith(path);
}
