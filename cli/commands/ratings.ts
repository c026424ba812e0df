import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import { catalogOption } from '../options.ts';
import { openShop } from '../shop/open-shop.ts';
import { tellProblems } from '../tell-problems.ts';

export const ratings = defineCommand({
  args: {
    ...catalogOption,
    file: { type: 'positional', description: 'triplets.csv: query,positive,negative', required: true },
  },
  async run({ args }) {
    const shop = await openShop(args.catalog);
    try {
      const { accepted, duplicates, problems, notes } = await shop.run('ratings', { file: resolve(args.file) });
      tellProblems([...notes, ...problems]);
      process.stdout.write(`${accepted} ratings stored, ${duplicates} known before, ${problems.length} not usable\n`);
      if (problems.length) process.exitCode = 2;
    } finally {
      await shop.close();
    }
  },
});
