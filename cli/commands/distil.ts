import { defineCommand } from 'citty';
import { loadConfigFor } from '../../src/config.ts';
import { SimiliError } from '../../src/errors.ts';
import { describeReport } from '../distil/report.ts';
import { distil as run } from '../distil/run.ts';
import { interruptible } from '../interruptible.ts';
import { catalogOption, secondsOf } from '../options.ts';

export const distil = defineCommand({
  args: {
    ...catalogOption,
    preset: { type: 'enum', options: ['tiny', 'small'], description: 'Of 32 or 64 px', default: 'tiny' },
    seconds: { type: 'string', description: 'Length of the training', default: '300' },
    steps: { type: 'string', description: 'The same in steps: then it can be repeated, bit for bit' },
    seed: { type: 'string', description: 'Same seed and steps, same student', default: '1' },
    out: { type: 'string', description: 'Folder to make: what SIMILI_ENCODER then names', required: true },
    json: { type: 'boolean', description: 'One JSON object on stdout, progress on stderr', default: false },
  },
  run: ({ args }) =>
    interruptible(async (signal) => {
      const report = await run({
        preset: args.preset,
        seconds: secondsOf(args.seconds),
        out: args.out,
        steps: args.steps === undefined ? null : wholeOf('--steps', args.steps, 1),
        seed: wholeOf('--seed', args.seed, 0),
        config: loadConfigFor(args.catalog),
        signal,
        stream: args.json ? process.stderr : process.stdout,
      });
      process.stdout.write(`${args.json ? JSON.stringify(report) : describeReport(report)}\n`);
    }),
});

function wholeOf(argument: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= 2 ** 31) return value;
  throw new SimiliError('INVALID_ARGUMENT', { argument, why: `must be a whole number from ${least}, not ${text}` });
}
