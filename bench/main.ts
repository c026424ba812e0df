import { parseArgs } from 'node:util';
import { categories } from './categories.ts';
import { clicks } from './clicks.ts';
import { embedding } from './embedding.ts';
import { encoding } from './encoding.ts';
import { feedback } from './feedback.ts';
import { ground } from './ground.ts';
import { headKinds } from './head-kinds.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { paper } from './paper.ts';
import { NoPeer } from './peer/process.ts';
import { trainingPeer } from './peer/training.ts';
import { processes } from './processes.ts';
import { projection } from './projection.ts';
import { quality } from './quality.ts';
import { sampling } from './sampling.ts';
import { serving } from './serving.ts';
import { severalPictures } from './several-pictures.ts';
import { startUp } from './start-up.ts';
import { training } from './training.ts';

/** npm run bench -- <name> [--json]. Every figure is measured in this run, against its limit or its peer. */
const benches: Record<string, () => Promise<Record<string, string | number>[]>> = {
  categories: () => categories({ seeds: Number(values.seeds), steps: Number(values.steps) }),
  clicks,
  embedding,
  encoding,
  feedback,
  ground,
  'head-kinds': () => headKinds({ peer: values.peer, seeds: Number(values.seeds) }),
  latency,
  memory,
  paper,
  processes,
  projection: () => projection({ products: Number(values.products) }),
  quality: () =>
    quality({
      seeds: Number(values.seeds),
      steps: Number(values.steps),
      studentSteps: Number(values.student),
      preset: values.preset,
      recipe: values.recipe,
      encoders: values.encoders?.split(',') ?? [],
      peer: values.peer,
      docs: values.docs,
      command: `npm run bench -- ${process.argv.slice(2).join(' ')}`,
    }),
  sampling,
  serving: () => serving({ products: Number(values.products) }),
  'several-pictures': severalPictures,
  'start-up': startUp,
  training: () => (values.peer ? trainingPeer({ peer: values.peer, rounds: Number(values.rounds) }) : training()),
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    // Of `quality`, see docs/quality.md.
    seeds: { type: 'string', default: '3' },
    preset: { type: 'string', default: 'tiny' },
    recipe: { type: 'string', default: 'catalog' },
    steps: { type: 'string', default: '200' }, // of a network; of `categories` too
    student: { type: 'string', default: '0' }, // steps
    encoders: { type: 'string' },
    docs: { type: 'boolean', default: false },
    // A Python with PyTorch 2: `training` then measures its step beside ours, in turns; `quality` fine-tunes the encoder with it.
    peer: { type: 'string', default: '' },
    rounds: { type: 'string', default: '7' },
    // Of `projection` and `serving`.
    products: { type: 'string', default: '100000' },
  },
});
const bench = benches[positionals[0] ?? ''];
if (!bench) {
  process.stderr.write(`Which one? npm run bench -- ${Object.keys(benches).join('|')} [--json]\n`);
  process.exit(2);
}
const rows = await bench().catch((error: unknown): never => {
  if (!(error instanceof NoPeer)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
});
if (values.json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
else console.table(rows);
