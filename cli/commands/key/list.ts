import { defineCommand } from 'citty';
import { openShop } from '../../shop/open-shop.ts';
import { table } from '../../table.ts';

export const list = defineCommand({
  async run() {
    const shop = await openShop();
    const rows = (await shop.run('keys', {})).map(({ id, name, scopes, catalog, createdAt }) => [
      id,
      name,
      scopes.join(', '),
      catalog ?? 'all',
      createdAt.slice(0, 10),
    ]);
    const head = ['id', 'name', 'scopes', 'catalog', 'made'];
    process.stdout.write(
      `${table(
        head,
        rows,
        head.map(() => false),
      ).join('\n')}\n`,
    );
    await shop.close();
  },
});
