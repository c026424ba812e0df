import { randomUUID } from 'node:crypto';
import type { Simulation, Surroundings } from '@simili/lab/simulate/options';
import { describeReport } from '@simili/lab/simulate/report';
import { simulate as runSimulation } from '@simili/lab/simulate/run';
import { defineCommand } from 'citty';
import { loadConfig } from '../../src/config.ts';
import { SimiliError } from '../../src/errors.ts';
import { showProgress } from '../progress.ts';

const POLL_MS = 500;

export const simulate = defineCommand({
  args: {
    shoppers: {
      type: 'string',
      description: 'How many before a training; 0 trains without new feedback',
      default: '1000',
    },
    taste: { type: 'string', description: 'What they like: colour, shape, or colour=0.8,shape=0.2', default: 'colour' },
    url: { type: 'string', description: 'The server', default: 'http://127.0.0.1:4000' },
    'admin-key': { type: 'string', description: 'To train and measure again; default: SIMILI_ADMIN_KEY' },
    catalog: { type: 'string', description: "Catalog to shop in; default: the server's usual one" },
    seed: { type: 'string', description: 'Same seed, same behaviour', default: '1' },
    'held-out': { type: 'string', description: 'Share of the catalog that no shopper sees', default: '0.3' },
    'train-seconds': { type: 'string', description: "Length of training, 5 to 86400; default: the server's" },
    retrains: {
      type: 'string',
      description: 'Trainings that the server starts by itself; 0: one, asked for',
      default: '0',
    },
    anchors: { type: 'string', description: 'Most held-out products whose lists are measured', default: '120' },
    json: { type: 'boolean', description: 'One JSON object on stdout, progress on stderr', default: false },
  },
  async run({ args }) {
    const out = args.json ? process.stderr : process.stdout;
    const report = await runSimulation(parseArguments(args), surroundings(out));
    process.stdout.write(`${args.json ? JSON.stringify(report) : describeReport(report)}\n`);
  },
});

function surroundings(out: NodeJS.WriteStream): Surroundings {
  return {
    say: (line) => void out.write(`${line}\n`),
    progress: (label, total) => showProgress(label, total, out),
    stamp: { now: () => new Date(), newId: randomUUID },
    pollMs: POLL_MS,
  };
}

type Arguments = Record<'shoppers' | 'taste' | 'url' | 'seed' | 'held-out' | 'retrains' | 'anchors', string> &
  Record<'admin-key' | 'train-seconds', string | undefined> & { catalog?: string | undefined };

/** @throws SimiliError INVALID_ARGUMENT, by the option's name. */
export function parseArguments(args: Arguments): Simulation {
  const seconds = args['train-seconds'];
  return {
    url: parseUrl(args.url),
    adminKey: args['admin-key'] ?? loadConfig().SIMILI_ADMIN_KEY,
    catalog: args.catalog,
    shoppers: parseNumber('--shoppers', args.shoppers, { from: 0, to: 1_000_000, whole: true }),
    taste: args.taste,
    seed: parseNumber('--seed', args.seed, { from: 0, to: 2 ** 31, whole: true }),
    heldOut: parseNumber('--held-out', args['held-out'], { from: 0.01, to: 0.9, whole: false }),
    retrains: parseNumber('--retrains', args.retrains, { from: 0, to: 1000, whole: true }),
    anchors: parseNumber('--anchors', args.anchors, { from: 3, to: 10_000, whole: true }),
    trainSeconds:
      seconds === undefined ? undefined : parseNumber('--train-seconds', seconds, { from: 5, to: 86_400, whole: true }),
  };
}

function parseNumber(
  argument: string,
  text: string,
  { from, to, whole }: { from: number; to: number; whole: boolean },
): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= from && value <= to && (!whole || Number.isInteger(value))) return value;
  const why = `must be ${whole ? 'a whole number' : 'a number'} from ${from} to ${to}, not ${JSON.stringify(text)}`;
  throw new SimiliError('INVALID_ARGUMENT', { argument, why });
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && /^https?:$/.test(url.protocol)) return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  throw new SimiliError('INVALID_ARGUMENT', {
    argument: '--url',
    why: `must be like http://127.0.0.1:4000, not ${JSON.stringify(text)}`,
  });
}
