import { defineCommand } from 'citty';
import { SimiliError } from '../../../src/errors.ts';
import { openShop } from '../../shop/open-shop.ts';

export const revoke = defineCommand({
  args: { id: { type: 'positional', description: 'Its id, as `simili key list` shows it', required: true } },
  async run({ args: { id } }) {
    const shop = await openShop();
    const found = await shop.run('revokeKey', { id });
    await shop.close();
    if (!found) throw new SimiliError('NOT_FOUND', { what: 'key', id });
  },
});
