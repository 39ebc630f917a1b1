/** What an API key may do. A scope is a permission, never a tenant: whose rows it reaches is the key's merchants. */
import { z } from 'zod';

export const SCOPES = [
  'orders:read',
  'orders:write',
  'catalogue:read',
  'catalogue:write',
  'stock:read',
  'stock:write',
  /** Decides on corrections above a merchant's limit, which somebody else asked for. */
  'stock:approve',
  /** The floor API: tasks, scans, packing. The key must belong to a person. */
  'floor',
  'exceptions:read',
  'exceptions:write',
  /** Keys, merchants, warehouses and locations of the organisation. */
  'admin',
] as const;

export const scopeSchema = z.enum(SCOPES);
export type Scope = z.infer<typeof scopeSchema>;
