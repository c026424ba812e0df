import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { checked } from './checked.ts';
import type { ApiKeyRepository, ApiKeyRow } from './db/api-keys.ts';
import type { CatalogRepository } from './db/catalogs.ts';
import { SimiliError } from './errors.ts';
import { hashOfKey, isKeyOf, KEY_PREFIX, type Keys, newKey } from './keys.ts';
import { type Authenticator, type Caller, type KeyScope, keyScopes } from './ports/authenticator.ts';
import { ofLength } from './shapes.ts';

export type KeyRequest = { name: string; scopes: readonly string[]; catalog?: string | null | undefined };
type Deps = { apiKeys: Pick<ApiKeyRepository, 'create'>; catalogs: Pick<CatalogRepository, 'exists'> };

const NewKey = z.object({
  name: z.string().refine(...ofLength(100)),
  scopes: z
    .array(z.string())
    .refine(
      (scopes) => scopes.length > 0 && scopes.every((scope) => keyScopes.includes(scope as KeyScope)),
      `must be some of ${keyScopes.join(', ')}`,
    ),
});

/** Makes a key. @returns the key itself, which is stored nowhere, and its row. @throws SimiliError INVALID_ARGUMENT, NOT_FOUND. */
export async function createApiKey(
  { apiKeys, catalogs }: Deps,
  { name, scopes, catalog = null }: KeyRequest,
  random = randomBytes,
): Promise<{ key: string; row: ApiKeyRow }> {
  checked(NewKey, { name, scopes });
  if (catalog !== null && !(await catalogs.exists(catalog)))
    throw new SimiliError('NOT_FOUND', { what: 'catalog', id: catalog });
  const key = newKey(random);
  const id = `key_${random(6).toString('hex')}`;
  const own = keyScopes.filter((scope) => scopes.includes(scope));
  const row = await apiKeys.create({ id, name, hash: hashOfKey(key), scopes: own, catalogId: catalog });
  return { key, row };
}

/** Whoever sends no key: the storefront is open, as its pages are. */
const everybody: Caller = { name: 'everybody', scopes: ['storefront', 'feedback'], catalog: null };
const admin: Caller = { name: 'admin', scopes: keyScopes, catalog: null };

type Known = { adminKeyHash: Keys['adminKeyHash']; apiKeys: Pick<ApiKeyRepository, 'byHash'> };

/** The default: the admin key may do everything, a key of `simili key` what its scopes say, in its catalog. */
export const usualAuthenticator = ({ adminKeyHash, apiKeys }: Known): Authenticator => ({
  name: 'keys',
  byKeyAlone: true,
  async authenticate({ key }) {
    if (key === null) return everybody;
    if (isKeyOf(key, await adminKeyHash())) return admin;
    // Other keys that a request may carry are none of ours: nobody looks for them among those with scopes.
    const row = key.startsWith(KEY_PREFIX) ? await apiKeys.byHash(hashOfKey(key)) : null;
    return row && { name: `${row.id} ${row.name}`, scopes: row.scopes as KeyScope[], catalog: row.catalogId };
  },
});
