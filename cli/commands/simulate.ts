import { randomUUID } from 'node:crypto';
import { describeVisitors, whoIsFound } from '@simili/lab/simulate/found';
import type { Simulation, Surroundings } from '@simili/lab/simulate/options';
import { describeReport } from '@simili/lab/simulate/report';
import { simulate as runSimulation } from '@simili/lab/simulate/run';
import { defineCommand } from 'citty';
import { loadConfig } from '../../src/config.ts';
import { SimiliError } from '../../src/errors.ts';
import { showProgress } from '../progress.ts';

const POLL_MS = 500;
/** Past the second within which only bots act. */
const DWELL_MS = 1100;

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
    bots: { type: 'string', description: 'Share of the visitors who are bots', default: '0' },
    farm: { type: 'string', description: 'Share of the visitors who push one product', default: '0' },
    push: { type: 'string', description: 'The product that the farm pushes; default: one by chance' },
    'purchases-only': {
      type: 'boolean',
      description: 'Nothing is reported but what was seen and bought',
      default: false,
    },
    'trust-bias': {
      type: 'string',
      description: 'Chance that the first place is clicked whatever it shows; of place k a k-th',
      default: '0',
    },
    popularity: {
      type: 'string',
      description: 'Chance that one product in ten is clicked whatever it stands beside',
      default: '0',
    },
    seasons: { type: 'string', description: 'Tastes that follow each other, from training to training', default: '1' },
    found: { type: 'string', description: 'Only tells who of an earlier simulation is in quarantine: what it printed' },
    json: { type: 'boolean', description: 'One JSON object on stdout, progress on stderr', default: false },
  },
  async run({ args }) {
    if (args.found !== undefined) {
      const found = await whoIsFound(args.found, parseEndpoint(args));
      process.stdout.write(`${args.json ? JSON.stringify(found) : describeVisitors(found)}\n`);
      return;
    }
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
    dwellMs: DWELL_MS,
  };
}

type Numbers =
  | 'shoppers'
  | 'seed'
  | 'held-out'
  | 'retrains'
  | 'anchors'
  | 'bots'
  | 'farm'
  | 'trust-bias'
  | 'popularity'
  | 'seasons';
type Endpoint = { url: string; 'admin-key'?: string | undefined; catalog?: string | undefined };
type Arguments = Record<Numbers | 'taste', string> &
  Endpoint & { 'train-seconds'?: string | undefined; push?: string | undefined; 'purchases-only': boolean };

const parseEndpoint = ({ url, catalog, ...args }: Endpoint) => ({
  url: parseUrl(url),
  adminKey: args['admin-key'] ?? loadConfig().SIMILI_ADMIN_KEY,
  catalog,
});

/** @throws SimiliError INVALID_ARGUMENT, by the option's name. */
export function parseArguments(args: Arguments): Simulation {
  const seconds = args['train-seconds'];
  return {
    ...parseEndpoint(args),
    shoppers: parseNumber('--shoppers', args.shoppers, { from: 0, to: 1_000_000, whole: true }),
    taste: args.taste,
    seed: parseNumber('--seed', args.seed, { from: 0, to: 2 ** 31, whole: true }),
    heldOut: parseNumber('--held-out', args['held-out'], { from: 0.01, to: 0.9, whole: false }),
    retrains: parseNumber('--retrains', args.retrains, { from: 0, to: 1000, whole: true }),
    anchors: parseNumber('--anchors', args.anchors, { from: 3, to: 10_000, whole: true }),
    fakes: parseFakes(args),
    push: args.push ?? null,
    purchasesOnly: args['purchases-only'],
    trustBias: parseNumber('--trust-bias', args['trust-bias'], SHARE),
    popularity: parseNumber('--popularity', args.popularity, SHARE),
    seasons: parseNumber('--seasons', args.seasons, { from: 1, to: 1000, whole: true }),
    trainSeconds:
      seconds === undefined ? undefined : parseNumber('--train-seconds', seconds, { from: 5, to: 86_400, whole: true }),
  };
}

const SHARE = { from: 0, to: 1, whole: false };

function parseFakes(args: Pick<Arguments, 'bots' | 'farm' | 'push'>): Simulation['fakes'] {
  const bots = parseNumber('--bots', args.bots, SHARE);
  const farm = parseNumber('--farm', args.farm, SHARE);
  if (bots + farm > 1) refuse('--farm', `must leave room beside --bots ${args.bots}: together they are at most 1`);
  if (args.push !== undefined && farm === 0) refuse('--push', 'needs a --farm that pushes it');
  return { bots, farm };
}

function refuse(argument: string, why: string): never {
  throw new SimiliError('INVALID_ARGUMENT', { argument, why });
}

function parseNumber(
  argument: string,
  text: string,
  { from, to, whole }: { from: number; to: number; whole: boolean },
): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= from && value <= to && (!whole || Number.isInteger(value))) return value;
  refuse(
    argument,
    `must be ${whole ? 'a whole number' : 'a number'} from ${from} to ${to}, not ${JSON.stringify(text)}`,
  );
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && /^https?:$/.test(url.protocol)) return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  refuse('--url', `must be like http://127.0.0.1:4000, not ${JSON.stringify(text)}`);
}
