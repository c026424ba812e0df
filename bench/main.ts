import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { NoPeer } from './peer/process.ts';

/** npm run bench -- <name> [--json]. Every figure is measured in this run, against its limit or its peer. */
const benches: Record<string, () => Promise<Record<string, string | number>[]>> = {
  'asked-again': async () =>
    (await import('./asked-again.ts')).askedAgain({ products: Number(values.products ?? 100_000), keep: values.keep }),
  binary: async () =>
    (await import('./binary.ts')).binary({ products: Number(values.products ?? 100_000), looks: listOf(values.looks) }),
  bots: async () => (await import('./bots.ts')).bots(),
  candidates: async () =>
    (await import('./candidates.ts')).candidates({
      products: Number(values.products ?? 10_000),
      looks: listOf(values.looks),
    }),
  categories: async () =>
    (await import('./categories.ts')).categories({ seeds: Number(values.seeds), steps: Number(values.steps) }),
  client: async () => (await import('./client.ts')).client({ views: Number(values.views) }),
  clicks: async () => (await import('./clicks.ts')).clicks({ seed: Number(values.seed), parts: listOf(values.parts) }),
  derivation: async () =>
    (await import('./derivation.ts')).derivation({
      events: Number(values.events ?? 500_000),
      products: Number(values.products ?? 5000),
      keep: values.keep,
    }),
  distinct: async () => (await import('./distinct.ts')).distinctLists({ products: Number(values.products ?? 20_000) }),
  durability: async () =>
    (await import('./durability.ts')).durability({
      events: Number(values.events ?? 20_000),
      kills: Number(values.kills),
      restarts: Number(values.restarts),
      seed: Number(values.seed),
    }),
  embedded: async () => (await import('./embedded.ts')).embedded({ products: Number(values.products ?? 10_000) }),
  embedding: async () => (await import('./embedding.ts')).embedding(),
  encoding: async () =>
    values.engines === undefined
      ? (await import('./encoding.ts')).encoding()
      : (await import('./encoding-on-engines.ts')).encodingOnEngines({
          engines: listOf(values.engines),
          threads: Number(values.threads),
          seconds: Number(values.seconds ?? 4),
        }),
  fallback: async () =>
    (await import('./fallback.ts')).fallbackLists({ products: Number(values.products ?? 100_000), keep: values.keep }),
  feedback: async () => (await import('./feedback.ts')).feedback(),
  filters: async () =>
    (await import('./filters.ts')).filters({
      products: Number(values.products ?? 100_000),
      filters: Number(values.filters),
      seed: Number(values.seed),
    }),
  ground: async () => (await import('./ground.ts')).ground(),
  'head-kinds': async () =>
    (await import('./head-kinds.ts')).headKinds({ peer: values.peer, seeds: Number(values.seeds) }),
  history: async () =>
    (await import('./history.ts')).history({
      seed: Number(values.seed),
      seeds: Number(values.seeds),
      operations: Number(values.operations),
    }),
  import: async () => (await import('./import.ts')).importing({ products: Number(values.products ?? 100_000) }),
  latency: async () => (await import('./latency.ts')).latency(),
  memory: async () => (await import('./memory.ts')).memory(),
  'near-duplicates': async () => (await import('./near-duplicates.ts')).nearDuplicates(),
  'pages-at-once': async () =>
    (await import('./pages-at-once.ts')).pagesAtOnce({
      products: Number(values.products ?? 100_000),
      seconds: Number(values.seconds ?? 3),
      keep: values.keep,
    }),
  paper: async () => (await import('./paper.ts')).paper(),
  picture: async () => (await import('./picture.ts')).picture(),
  processes: async () => (await import('./processes.ts')).processes(),
  projection: async () =>
    (await import('./projection.ts')).projection({ products: Number(values.products ?? 100_000) }),
  quality: async () =>
    (await import('./quality.ts')).quality({
      seeds: Number(values.seeds),
      steps: Number(values.steps),
      studentSteps: Number(values.student),
      preset: values.preset,
      recipe: values.recipe,
      encoders: listOf(values.encoders),
      peer: values.peer,
      docs: values.docs,
      command: `npm run bench -- ${process.argv.slice(2).join(' ')}`,
    }),
  sampling: async () => (await import('./sampling.ts')).sampling(),
  serving: async () =>
    (await import('./serving.ts')).serving({
      products: Number(values.products ?? 100_000),
      seconds: Number(values.seconds ?? 4),
      yardsticks: values.yardsticks,
      keep: values.keep,
    }),
  'several-pictures': async () => (await import('./several-pictures.ts')).severalPictures(),
  'start-up': async () => (await import('./start-up.ts')).startUp(),
  training: async () => {
    const { peer, rounds } = values;
    if (values.engines !== undefined) {
      return (await import('./on-engines.ts')).trainingOnEngines({
        engines: listOf(values.engines),
        presets: listOf(values.presets),
        rows: Number(values.rows),
        threads: Number(values.threads),
        seconds: Number(values.seconds ?? 4),
        job: values.job,
        peer,
        devices: listOf(values.devices),
      });
    }
    if (peer) return (await import('./peer/training.ts')).trainingPeer({ peer, rounds: Number(rounds) });
    return (await import('./training.ts')).training();
  },
  writes: async () =>
    (await import('./writes.ts')).writes({
      products: Number(values.products ?? 100_000),
      seconds: Number(values.seconds ?? 30),
    }),
};

const listOf = (names = ''): string[] => names.split(',').filter(Boolean);

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    // Of `derivation` (500,000) and `durability` (20,000).
    events: { type: 'string' },
    // Of `derivation`: a database of this name stays until its run has come to its end, and a run that was ended goes on there.
    // Of `serving`, `asked-again` and `fallback`: databases of this name and the number of products stay, and a next run measures the same.
    keep: { type: 'string', default: '' },
    // Of `durability`; `seed` of `clicks`, `filters` and `history`, too.
    kills: { type: 'string', default: '20' },
    restarts: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
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
    // `training` and `encoding` with engines of `simili doctor` by name (comma between them; docs/engines.md), and PyTorch's devices.
    engines: { type: 'string' },
    presets: { type: 'string', default: 'tiny,small' },
    devices: { type: 'string', default: 'cpu' },
    rows: { type: 'string', default: '192' },
    threads: { type: 'string', default: String(availableParallelism()) },
    seconds: { type: 'string' }, // 4; of `writes` (30), too
    job: { type: 'boolean', default: false },
    // Of `history`, each seed.
    operations: { type: 'string', default: '1000' },
    // Of `filters`.
    filters: { type: 'string', default: '1000' },
    // Of `binary`: clusters and smooth; of `candidates` also fashion-mnist.
    looks: { type: 'string', default: 'clusters,smooth' },
    // Of `asked-again` and `binary` (100,000), `candidates` (10,000), `derivation` (5,000), `distinct` (20,000), `embedded` (10,000), `fallback`, `filters`, `import`, `projection`, `serving` and `writes` (100,000).
    products: { type: 'string' },
    // Of `serving`: a folder of scripts/yardsticks.sh.
    yardsticks: { type: 'string', default: '' },
    // Of `clicks`: gates, exploring, exponents, placements, off-policy; all where none is named.
    parts: { type: 'string' },
    // Of `client`.
    views: { type: 'string', default: '1000' },
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
// Helpers of the tests keep their databases for a next test, which never comes here: without an end the process would stay.
process.stdout.write('', () => process.exit());
