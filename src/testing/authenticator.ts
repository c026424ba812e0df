import assert from 'node:assert/strict';
import {
  type Authenticator,
  type Caller,
  type Credentials,
  checkAuthenticator,
  keyScopes,
} from '../ports/authenticator.ts';
import type { Check } from './check.ts';

const NONE: Credentials = { key: null, header: () => null };
const STRANGERS = ['', 'x', 'simili_', 'a'.repeat(100_000), '\u{1f511}', "' OR 1 = 1 --", '{}', '..', 'null'];

/**
 * Checks of an authenticator.
 * @param known credentials that it lets in, one or more
 */
export function authenticatorContract(authenticator: Authenticator, known: readonly Credentials[]): Check[] {
  const valid = (caller: Caller | null): void => {
    if (caller === null) return;
    assert.ok(typeof caller.name === 'string' && caller.name.length > 0, 'a caller without a name');
    assert.ok(
      Array.isArray(caller.scopes) && caller.scopes.every((scope) => keyScopes.includes(scope)),
      'unknown scopes',
    );
    assert.ok(caller.catalog === null || typeof caller.catalog === 'string', 'a catalog that is no text');
  };
  return [
    { title: 'is described well: name and authenticate', run: async () => checkAuthenticator(authenticator) },
    {
      title: 'says who has a key that it knows',
      async run() {
        assert.ok(known.length > 0, 'no credentials that are known');
        for (const credentials of known) {
          const caller = await authenticator.authenticate(credentials);
          assert.ok(caller, 'nobody');
          valid(caller);
        }
      },
    },
    {
      title: 'lets nobody who has no key write products or operate',
      async run() {
        const caller = await authenticator.authenticate(NONE);
        valid(caller);
        assert.ok(!caller?.scopes.some((scope) => scope === 'catalog' || scope === 'operate'), 'everybody may');
      },
    },
    {
      title: 'knows no stranger, and breaks on none',
      async run() {
        for (const key of STRANGERS)
          assert.equal(await authenticator.authenticate({ ...NONE, key }), null, key.slice(0, 20));
      },
    },
    {
      title: 'knows no key that is cut, or longer by a character',
      async run() {
        for (const credentials of known) {
          const { key } = credentials;
          if (key === null) continue;
          for (const other of [key.slice(0, -1), `${key}x`, key.slice(1)])
            assert.equal(await authenticator.authenticate({ ...credentials, key: other }), null);
        }
      },
    },
  ];
}
