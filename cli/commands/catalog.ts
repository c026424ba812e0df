import { type ArgsDef, defineCommand } from 'citty';
import { DEFAULT_CATALOG } from '../../src/catalog-id.ts';
import { jsonOption } from '../options.ts';
import { openShop, type Shop } from '../shop/open-shop.ts';
import { table } from '../table.ts';

/** These commands are about catalogs, whether or not the one of the configuration is there. */
async function inShop(work: (shop: Shop) => Promise<string>): Promise<void> {
  const shop = await openShop(DEFAULT_CATALOG);
  try {
    process.stdout.write(`${await work(shop)}\n`);
  } finally {
    await shop.close();
  }
}

const id = { type: 'positional', description: 'Lower-case letters, digits and single dashes', required: true } as const;

export const list = defineCommand({
  args: jsonOption,
  run: ({ args }) =>
    inShop(async (shop) => {
      const found = await shop.run('catalogs', {});
      if (args.json) return JSON.stringify(found);
      const rows = found.map((row) => [row.id, `${row.products}`, row.createdAt.slice(0, 10)]);
      return table(['catalog', 'products', 'since'], rows, [false, true, false]).join('\n');
    }),
});

export const create = defineCommand({
  args: { id } satisfies ArgsDef,
  run: ({ args }) =>
    inShop(async (shop) => {
      const isNew = await shop.run('createCatalog', { id: args.id });
      return `${args.id} ${isNew ? 'is there now' : 'was there already'}: --catalog ${args.id}, header simili-catalog: ${args.id}`;
    }),
});

export const remove = defineCommand({
  args: { id, force: { type: 'boolean', description: 'Also one that has products', default: false } },
  run: ({ args }) =>
    inShop(async (shop) => {
      await shop.run('removeCatalog', { id: args.id, force: args.force });
      return `${args.id} is removed`;
    }),
});
