import { until } from '../test/support/until.ts';
import { answered, ask, KEY, percentile, startDemo, temporaryDir } from './running.ts';

const QUERIES = 300;
const QUERY = (id: string) =>
  `{ similarItems(id: "${id}", first: 12) { status edges { score node { id title image { url } } } } }`;

/** Time of one query after another over HTTP, while nothing else happens and while a model is being trained. */
export async function latency() {
  const dir = await temporaryDir();
  try {
    const simili = await startDemo(dir.path, { SIMILI_TRAIN_SECONDS: '20' });
    await answered(simili.url, 'NETWORK');
    const { products } = await ask(`${simili.url}/graphql`, '{ products(first: 50) { nodes { id } } }');
    const ids: string[] = products.nodes.map(({ id }: { id: string }) => id);
    await timed(simili.url, ids); // warm
    const quiet = await timed(simili.url, ids);
    await ask(`${simili.url}/admin/graphql`, 'mutation { retrain(input: { seconds: 60 }) { job { id } } }', KEY);
    await until(async () => {
      const { jobs } = await ask(`${simili.url}/admin/graphql`, '{ jobs(first: 1) { curve { step } } }', KEY);
      return jobs[0].curve.length > 2;
    }, 120);
    const training = await timed(simili.url, ids);
    await simili.stop();
    const ratio = percentile(training, 0.95) / percentile(quiet, 0.95);
    return [
      row('quiet', quiet),
      row('during training', training),
      { load: 'ratio of p95 (limit 5)', p50: '', p95: ratio.toFixed(2), p99: '' },
    ];
  } finally {
    await dir.remove();
  }
}

/** Milliseconds of each query. */
async function timed(url: string, ids: readonly string[]): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < QUERIES; i++) {
    const since = performance.now();
    await ask(`${url}/graphql`, QUERY(ids[i % ids.length] as string));
    times.push(performance.now() - since);
  }
  return times;
}

const row = (load: string, times: readonly number[]) => ({
  load,
  ...Object.fromEntries([50, 95, 99].map((p) => [`p${p}`, `${percentile(times, p / 100).toFixed(1)} ms`])),
});
