/** What carries everything else: inbox, outbox, tenancy and the audit chain. */
import { verifyAudit } from '../db/audit-seal.repo';
import { EXAMPLES, type Invariant, probe, together } from './invariant';
import { tenancyFaults } from './tenancy';

const nobodyElses: Invariant = {
  id: '11',
  name: 'nobody reads, writes or senses another merchant’s rows',
  look: async (tx) => {
    const { tables, faults } = await tenancyFaults(tx);
    return { checked: tables, faults: faults.length, examples: faults.slice(0, EXAMPLES) };
  },
};

const heard: Invariant = {
  id: '13',
  name: 'what was answered with 2xx is acted on',
  look: async (tx) => {
    const waiting = (table: string) =>
      probe(tx, {
        what: 'received and never processed',
        checked: `select count(*) as checked from ${table}`,
        faults: `select format('%s %s (%s) of %s', '${table}', id, topic, received_at) as fault from ${table}
          where state = 'received' and received_at < now() - interval '60 seconds' order by received_at`,
      });
    return together([await waiting('inbox'), await waiting('carrier_inbox')]);
  },
};

const sent: Invariant = {
  id: '15',
  name: 'the outbox skips no message',
  look: async (tx, { outboxGraceSeconds }) =>
    together([
      await probe(tx, {
        what: 'due for long, and nobody sends it',
        checked: 'select count(*) as checked from outbox',
        faults: `select format('%s %s, due since %s, %s attempts', kind, key, due_at, attempts) as fault from outbox
          where state in ('pending', 'leased') and due_at < now() - ${Number(outboxGraceSeconds)} * interval '1 second' order by due_at`,
      }),
      await probe(tx, {
        what: 'given up, and nobody was asked',
        checked: `select count(*) as checked from outbox where state = 'dead'`,
        faults: `select format('%s %s: %s', b.kind, b.key, b.last_error) as fault from outbox b where b.state = 'dead'
          and not exists (select from exception e where e.merchant_id = b.merchant_id
            and e.key in ('outbox_dead:' || b.id, 'channel_update_failed:' || b.order_id))`,
      }),
    ]),
};

const sealed: Invariant = {
  id: 'audit',
  name: 'the audit log is whole and unchanged',
  look: async (tx) => {
    const { entries, faults } = await verifyAudit(tx);
    return { checked: entries, faults: faults.length, examples: faults.slice(0, EXAMPLES) };
  },
};

export const PLUMBING_INVARIANTS: readonly Invariant[] = [nobodyElses, heard, sent, sealed];
