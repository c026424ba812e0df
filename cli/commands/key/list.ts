import { defineCommand } from 'citty';
import { jsonOption } from '../../options.ts';
import { openShop } from '../../shop/open-shop.ts';
import { table } from '../../table.ts';

export const list = defineCommand({
  args: jsonOption,
  async run({ args }) {
    const shop = await openShop();
    const keys = await shop.run('keys', {});
    const rows = keys.map(({ id, name, scopes, catalog, createdAt }) => [
      id,
      name,
      scopes.join(', '),
      catalog ?? 'all',
      createdAt.slice(0, 10),
    ]);
    const head = ['id', 'name', 'scopes', 'catalog', 'made'];
    const lines = table(
      head,
      rows,
      head.map(() => false),
    );
    process.stdout.write(`${args.json ? JSON.stringify(keys) : lines.join('\n')}\n`);
    await shop.close();
  },
});
