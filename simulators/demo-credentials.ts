/**
 * What the demo's two sides must agree on without talking: keys, tokens and secret addresses, derived
 * from one secret by HMAC-SHA256. The seed stores them as a merchant's connections, the simulated
 * partners use them; whoever has the secret has all of them, so a demo's secret is drawn at random and
 * never leaves its data directory.
 */
import { createHmac } from 'node:crypto';

export interface DemoCredentials {
  /** Keys of our API, in their own form. */
  readonly adminKey: string;
  /** Of the devices that the people on the floor share. */
  readonly floorKey: string;
  readonly shopify: ChannelCredentials & { readonly accessToken: string };
  readonly generic: ChannelCredentials & { readonly signingSecret: string };
  readonly easypost: ChannelCredentials & { readonly apiKey: string };
}

interface ChannelCredentials {
  /** The unguessable part of the address that we give the partner for its webhooks. */
  readonly webhookPath: string;
  readonly webhookSecret: string;
}

/** @param secret the demo's own; the same secret gives the same credentials. */
export function demoCredentials(secret: string): DemoCredentials {
  const bytes = (name: string): Buffer =>
    createHmac('sha256', secret).update(`quayside demo ${name}`).digest();
  const text = (name: string): string => bytes(name).toString('base64url');
  const key = (name: string): string => `qs_test_${text(name)}`;
  const whsec = (name: string): string => `whsec_${bytes(name).toString('base64')}`;
  return {
    adminKey: key('admin key'),
    floorKey: key('floor key'),
    shopify: {
      accessToken: `shpat_demo_${text('shopify access token').slice(0, 32)}`,
      webhookPath: text('shopify webhook path'),
      webhookSecret: text('shopify webhook secret'),
    },
    generic: {
      webhookPath: text('generic webhook path'),
      webhookSecret: whsec('generic webhook secret'),
      signingSecret: whsec('generic signing secret'),
    },
    easypost: {
      apiKey: `EZTKdemo${text('easypost api key').slice(0, 32)}`,
      webhookPath: text('easypost webhook path'),
      webhookSecret: text('easypost webhook secret'),
    },
  };
}
