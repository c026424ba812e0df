import { defineCommand } from 'citty';
import { openShop } from '../shop/open-shop.ts';

export const adminKey = defineCommand({
  async run() {
    const shop = await openShop();
    process.stdout.write(`${await shop.run('adminKey', {})}\n`);
    await shop.close();
  },
});
