import { defineCommand } from 'citty';
import { openApp } from '../app.ts';
import { importRatings } from '../import-ratings.ts';

export const ratings = defineCommand({
  meta: {
    name: 'ratings',
    description: 'Give a shop what people answered: the triplets.csv of simili label (docs/label.md)',
  },
  args: { file: { type: 'positional', description: 'triplets.csv: query,positive,negative', required: true } },
  async run({ args }) {
    const app = await openApp();
    try {
      const { accepted, duplicates, problems } = await importRatings(app.repositories, args.file);
      for (const { line, reason } of problems) process.stderr.write(`  line ${line}: ${reason}\n`);
      process.stdout.write(`${accepted} ratings stored, ${duplicates} known before, ${problems.length} not usable\n`);
      if (problems.length) process.exitCode = 2;
    } finally {
      await app.queue.close();
      await app.storage.close();
    }
  },
});
