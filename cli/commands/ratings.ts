import { defineCommand } from 'citty';
import { loadConfig } from '../../src/config.ts';
import { openStorage } from '../../src/db/open-storage.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { importRatings } from '../import-ratings.ts';
import { tellProblems } from '../tell-problems.ts';

export const ratings = defineCommand({
  meta: {
    name: 'ratings',
    description: 'Give a shop what people answered: the triplets.csv of simili label (docs/label.md)',
  },
  args: { file: { type: 'positional', description: 'triplets.csv: query,positive,negative', required: true } },
  async run({ args }) {
    const storage = await openStorage(loadConfig());
    try {
      const { accepted, duplicates, problems, notes } = await importRatings(
        makeRepositories(storage.prisma),
        args.file,
      );
      tellProblems([...notes, ...problems]);
      process.stdout.write(`${accepted} ratings stored, ${duplicates} known before, ${problems.length} not usable\n`);
      if (problems.length) process.exitCode = 2;
    } finally {
      await storage.close();
    }
  },
});
