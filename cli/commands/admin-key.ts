import { defineCommand } from 'citty';
import { openShop } from '../shop/open-shop.ts';

export const adminKey = defineCommand({
  meta: {
    name: 'admin-key',
    description: 'Make a new admin key and print it; the old one ends. (Not with SIMILI_ADMIN_KEY.)',
  },
  async run() {
    const shop = await openShop();
    process.stdout.write(`${await shop.run('adminKey', {})}\n`);
    await shop.close();
  },
});
