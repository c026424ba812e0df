// node --test examples/own-keys
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { graphql } from 'graphql';
import { openSimili } from 'simili';
import { authenticatorContract } from 'simili/testing';
import { signedKey, signedKeys } from './signed-keys.mjs';

const SECRET = 'a secret of the shop, from its vault';
const until = new Date(Date.now() + 3_600_000);
const erp = signedKey(SECRET, { name: 'erp', scopes: ['catalog'], until });
const credentials = (key) => ({ key, header: () => null });
const authenticator = signedKeys(SECRET);

for (const { title, run } of authenticatorContract(authenticator, [credentials(erp)]))
  test(`the authenticator ${title}`, run);

test('a key ends at its time, and one of another secret never began', async () => {
  const later = signedKeys(SECRET, () => until.getTime());
  assert.equal(await later.authenticate(credentials(erp)), null);
  const other = signedKey('another secret', { name: 'erp', scopes: ['operate'], until });
  assert.equal(await authenticator.authenticate(credentials(other)), null);
});

test('inside another server each field is asked for with its scope', async () => {
  const simili = await openSimili({ dataDir: null });
  const schema = simili.plugin.admin({
    authorize: async ({ key }, scope) =>
      (await authenticator.authenticate(credentials(key)))?.scopes.includes(scope) ?? false,
  });
  const ask = (source) => graphql({ schema, source, contextValue: { key: erp } });
  assert.equal((await ask('{ catalogHealth { products } }')).errors, undefined);
  assert.match((await ask('{ models { number } }')).errors[0].extensions.code, /UNAUTHENTICATED/);
  await simili.close();
});
