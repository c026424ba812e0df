import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import { catalogOption, jsonOption } from '../options.ts';
import { openShop } from '../shop/open-shop.ts';
import { tellProblems } from '../tell-problems.ts';

export const ratings = defineCommand({
  args: {
    ...catalogOption,
    ...jsonOption,
    file: { type: 'positional', description: 'triplets.csv: query,positive,negative', required: true },
  },
  async run({ args }) {
    const shop = await openShop(args.catalog);
    try {
      const report = await shop.run('ratings', { file: resolve(args.file) });
      const { accepted, duplicates, problems, notes } = report;
      tellProblems([...notes, ...problems]);
      const told = `${accepted} ratings stored, ${duplicates} known before, ${problems.length} not usable`;
      process.stdout.write(`${args.json ? JSON.stringify(report) : told}\n`);
      if (problems.length) process.exitCode = 2;
    } finally {
      await shop.close();
    }
  },
});
