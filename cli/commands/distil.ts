import { defineCommand } from 'citty';
import { loadConfigFor } from '../../src/config.ts';
import { SimiliError } from '../../src/errors.ts';
import { describeReport } from '../distil/report.ts';
import { distil as run } from '../distil/run.ts';
import { catalogOption, secondsOf } from '../options.ts';

/** As shells count an end by Ctrl-C. */
const INTERRUPTED = 130;

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
  async run({ args }) {
    const stopping = new AbortController();
    process.once('SIGINT', () => stopping.abort(new Error('stopped')));
    try {
      const report = await run({
        preset: args.preset,
        seconds: secondsOf(args.seconds),
        out: args.out,
        steps: args.steps === undefined ? null : wholeOf('--steps', args.steps, 1),
        seed: wholeOf('--seed', args.seed, 0),
        config: loadConfigFor(args.catalog),
        signal: stopping.signal,
        stream: args.json ? process.stderr : process.stdout,
      });
      process.stdout.write(`${args.json ? JSON.stringify(report) : describeReport(report)}\n`);
    } catch (error) {
      if (!stopping.signal.aborted) throw error;
      process.stderr.write('Stopped\n');
      process.exitCode = INTERRUPTED;
    }
  },
});

function wholeOf(argument: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= 2 ** 31) return value;
  throw new SimiliError('INVALID_ARGUMENT', { argument, why: `must be a whole number from ${least}, not ${text}` });
}
