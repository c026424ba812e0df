// Keys that need no table: they say what they may do and until when, and are signed. A shop's identity provider would do the same
// with its own tokens. Try it: SIMILI_EXTENSIONS=./signed-keys.mjs SHOP_SECRET=… npx simili start
import { createHmac, timingSafeEqual } from 'node:crypto';

const signatureOf = (secret, text) => createHmac('sha256', secret).update(text).digest();

/** @param {{ name: string, scopes: string[], catalog?: string | null, until: Date }} facts */
export function signedKey(secret, { name, scopes, catalog = null, until }) {
  const text = Buffer.from(JSON.stringify({ name, scopes, catalog, until: until.getTime() })).toString('base64url');
  return `${text}.${signatureOf(secret, text).toString('base64url')}`;
}

/** @returns {import('simili').Authenticator} */
export const signedKeys = (secret, now = Date.now) => ({
  name: 'signed keys',
  async authenticate({ key }) {
    // The storefront of this shop is open to everybody; without this line it would need a key, too.
    if (key === null) return { name: 'everybody', scopes: ['storefront', 'feedback'], catalog: null };
    const [text, signature = ''] = key.split('.');
    const [right, given] = [signatureOf(secret, text), Buffer.from(signature, 'base64url')];
    if (`${text}.${given.toString('base64url')}` !== key) return null;
    if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
    const { name, scopes, catalog, until } = JSON.parse(Buffer.from(text, 'base64url').toString());
    return until > now() ? { name, scopes, catalog } : null;
  },
});

export default process.env.SHOP_SECRET ? { authenticator: signedKeys(process.env.SHOP_SECRET) } : {};
