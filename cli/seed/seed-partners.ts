/**
 * Whom the demo merchant works with: its two simulated shops, the simulated carriers, the people on the
 * floor, and the keys of our API. Addresses and credentials are written again at each seed.
 */
import { sha256Of } from '../../api/api-key';
import { SCOPES } from '../../contracts/scopes';
import { insertApiKey } from '../../db/api-key.repo';
import type { Tx } from '../../db/client';
import { type SealingKeys, sealSecrets } from '../../db/sealed';
import type { DemoCredentials } from '../../simulators/demo-credentials';
import { DEMO_FLOOR_PEOPLE, DEMO_IDS, demoId } from '../../simulators/demo-ids';
import { insertRows } from './insert-rows';

/** Where the simulated partners of this run answer; origins without a slash at the end. */
export interface DemoPartners {
  readonly shopifyUrl: string;
  readonly genericUrl: string;
  readonly easypostUrl: string;
}

/** As `mintApiKey` shows them: kind and eight characters. */
const SHOWN_KEY_LENGTH = 16;

export interface SeedPartners {
  readonly keys: SealingKeys;
  readonly credentials: DemoCredentials;
  readonly partners: DemoPartners;
}

export async function upsertPartners(tx: Tx, { keys, credentials, partners }: SeedPartners): Promise<void> {
  const { organisationId, merchantId, shopifyConnectionId, genericConnectionId, carrierAccountId } = DEMO_IDS;
  const { shopify, generic, easypost } = credentials;
  const connections = [
    {
      id: shopifyConnectionId,
      channel: 'shopify',
      name: 'Demo shop (simulated Shopify)',
      url: partners.shopifyUrl,
      secrets: { accessToken: shopify.accessToken, webhookSecret: shopify.webhookSecret },
      path: shopify.webhookPath,
      polls: true,
    },
    {
      id: genericConnectionId,
      channel: 'generic',
      name: 'Demo webhook shop (simulated, Standard Webhooks)',
      url: `${partners.genericUrl}/events`,
      secrets: { signingSecret: generic.signingSecret, webhookSecret: generic.webhookSecret },
      path: generic.webhookPath,
      polls: false,
    },
  ];
  for (const one of connections) {
    await tx.run({
      text: `insert into channel_connection
          (id, merchant_id, channel, name, base_url, credentials_sealed, webhook_path_sha256, poll_due_at)
        values ($1, $2, $3, $4, $5, $6, $7, case when $8 then now() end)
        on conflict (merchant_id, id) do update set base_url = excluded.base_url,
          credentials_sealed = excluded.credentials_sealed, webhook_path_sha256 = excluded.webhook_path_sha256`,
      values: [
        one.id,
        merchantId,
        one.channel,
        one.name,
        one.url,
        sealSecrets(keys, one.secrets),
        sha256Of(one.path),
        one.polls,
      ],
    });
  }
  const secrets = { apiKey: easypost.apiKey, webhookSecret: easypost.webhookSecret };
  await tx.run({
    text: `insert into carrier_account
        (id, organisation_id, merchant_id, provider, name, base_url, credentials_sealed, webhook_path_sha256)
      values ($1, $2, null, 'easypost', 'Demo carriers (simulated EasyPost)', $3, $4, $5)
      on conflict (id) do update set base_url = excluded.base_url,
        credentials_sealed = excluded.credentials_sealed, webhook_path_sha256 = excluded.webhook_path_sha256`,
    values: [
      carrierAccountId,
      organisationId,
      partners.easypostUrl,
      sealSecrets(keys, secrets),
      sha256Of(easypost.webhookPath),
    ],
  });
}

export async function insertPeopleAndKeys(tx: Tx, credentials: DemoCredentials): Promise<void> {
  const { organisationId } = DEMO_IDS;
  await insertRows(
    tx,
    'person',
    ['id', 'organisation_id', 'name', 'role'],
    DEMO_FLOOR_PEOPLE.map(({ id, name }) => [id, organisationId, name, 'floor']),
  );
  const wanted = [
    {
      key: credentials.adminKey,
      name: 'Demo key for everything',
      scopes: SCOPES.filter((scope) => scope !== 'floor'),
      personId: null,
    },
    {
      key: credentials.floorKey,
      name: 'Demo key of the devices on the floor',
      scopes: ['floor'],
      // Whoever scans is named in each request; without a name it is this person.
      personId: DEMO_FLOOR_PEOPLE[0]?.id ?? null,
    },
  ];
  for (const { key, name, scopes, personId } of wanted) {
    const digest = sha256Of(key);
    const known = await tx.rows({ text: 'select 1 from api_key where key_sha256 = $1', values: [digest] });
    if (known.length > 0) continue;
    await insertApiKey(tx, {
      id: demoId(`key ${digest.toString('hex')}`),
      organisationId,
      name,
      prefix: key.slice(0, SHOWN_KEY_LENGTH),
      sha256: digest,
      scopes,
      merchantIds: null,
      personId,
      expiresAt: null,
    });
  }
}
