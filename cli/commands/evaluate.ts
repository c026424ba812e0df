import { toMarkdown } from '@simili/lab/evaluate/markdown';
import { evaluate as run } from '@simili/lab/evaluate/run';
import { defineCommand } from 'citty';
import { loadConfig } from '../../src/config.ts';
import { interruptible } from '../interruptible.ts';
import { onStderr } from '../progress.ts';

export const evaluate = defineCommand({
  args: {
    images: { type: 'string', description: 'Folder of the pictures', required: true },
    labels: {
      type: 'string',
      description: 'CSV: path, and identity, subgroup, category, split where they are known',
      required: true,
    },
    triplets: { type: 'string', description: 'CSV of what people answered: query, positive, negative (simili label)' },
    methods: { type: 'string', description: 'Names, comma separated; all: without it; also: sweep', default: '' },
    preset: { type: 'string', description: 'Network; simili model list shows them', default: 'tiny' },
    seeds: { type: 'string', description: 'Trainings of each network, with seeds 1, 2 …', default: '1' },
    budget: { type: 'string', description: 'Minutes of all trainings together', default: '10' },
    steps: { type: 'string', description: 'Steps of each training, in place of the budget: then it can be repeated' },
    k: { type: 'string', description: 'K of Score-at-top-K, recall@K and nDCG@K', default: '30' },
    seed: {
      type: 'string',
      description: 'Of the split, where the labels name none, and of the questions',
      default: '1',
    },
    out: { type: 'string', description: 'Folder for report.md, report.json and report.html', required: true },
  },
  run: ({ args }) =>
    interruptible(async (signal) => {
      const report = await run({
        images: args.images,
        labels: args.labels,
        triplets: args.triplets ?? null,
        out: args.out,
        methods: args.methods.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()])),
        preset: args.preset,
        seeds: Number(args.seeds),
        minutes: Number(args.budget),
        k: Number(args.k),
        steps: args.steps === undefined ? null : Number(args.steps),
        seed: Number(args.seed),
        config: loadConfig(),
        signal,
        ...onStderr,
        command: `simili evaluate ${process.argv.slice(3).join(' ')}`,
      });
      process.stdout.write(`${toMarkdown(report)}\n`);
    }),
});
