import { SimiliError } from '../errors.ts';

/**
 * Scopes of a caller. storefront: ask for lists and products; feedback: tell what shoppers did, and forget them; catalog: write
 * products and ratings, and look into the catalog; operate: trainings, versions, roll back.
 */
export const keyScopes = ['storefront', 'feedback', 'catalog', 'operate'] as const;
export type KeyScope = (typeof keyScopes)[number];

/** Who asks. */
export type Caller = {
  /** For the log. */
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  /** The one catalog that it may ask about, whichever its requests name; null: any. */
  readonly catalog: string | null;
};

/** Header that names the catalog of a request. */
export const CATALOG_HEADER = 'simili-catalog';

/** Why a caller may not ask about the catalog that its request names; null: it may. @param named null: the request names none */
export const wrongCatalog = ({ catalog }: Caller, named: string | null): string | null =>
  catalog === null || named === null || named === catalog ? null : `is for the catalog ${catalog}`;

/** Credentials of a request. */
export type Credentials = {
  /** The key of `Authorization: Bearer <key>`; null: there is none. */
  readonly key: string | null;
  /** A header by its name, in small letters. */
  header(name: string): string | null;
};

/** Says who a request is from. It is asked once a request. */
export type Authenticator = {
  /** For the log. */
  readonly name: string;
  /** Whether it waits for nothing where a request sends no key: no time is measured then. Left out: it may. */
  readonly byKeyAlone?: boolean;
  /**
   * @returns null: nobody that it knows. A request without a key is asked about too: what it may do then is what everybody may. On the
   * storefront an unknown key counts as none: shops' proxies send keys of their own.
   */
  authenticate(credentials: Credentials): Promise<Caller | null>;
};

/** @throws SimiliError CONFIGURATION_INVALID */
export function checkAuthenticator({ name, authenticate }: Authenticator): void {
  if (typeof name === 'string' && name !== '' && typeof authenticate === 'function') return;
  throw new SimiliError('CONFIGURATION_INVALID', {
    why: `The authenticator ${JSON.stringify(name)} needs a name and a function authenticate`,
  });
}
