import { defineCommand } from 'citty';
import { keyScopes } from '../../../src/ports/authenticator.ts';
import { jsonOption } from '../../options.ts';
import { openShop } from '../../shop/open-shop.ts';

export const create = defineCommand({
  args: {
    name: { type: 'string', description: 'Who is to have it', required: true },
    scopes: { type: 'string', description: `Comma separated, of ${keyScopes.join(', ')}`, required: true },
    catalog: { type: 'string', description: 'The one catalog that it is for; default: all' },
    ...jsonOption,
  },
  async run({ args: { name, scopes, catalog, json } }) {
    const shop = await openShop();
    const list = scopes.split(',').map((scope) => scope.trim());
    const { id, key } = await shop.run('createKey', { name, scopes: list, catalog });
    process.stdout.write(json ? `${JSON.stringify({ id, key })}\n` : `${id}\n${key}\n`);
    await shop.close();
  },
});
