import assert from 'node:assert/strict';
import { type Candidate, checkReranker, type Reranker } from '../ports/reranker.ts';
import type { Check } from './check.ts';
import { sampleProducts } from './encoder.ts';

/** 50 products, nearest first. */
const sampleCandidates: readonly Candidate[] = Array.from({ length: 50 }, (_, i) => {
  const product = sampleProducts[i % sampleProducts.length]!;
  return { product: { ...product, id: `${product.id}-${i}` }, score: 1 - i / 50 };
});
const [query] = sampleProducts as [(typeof sampleProducts)[number]];

/**
 * Checks of a reranker.
 * @param candidates nearest first; default 50 of `sampleProducts`
 */
export function rerankerContract(reranker: Reranker, candidates = sampleCandidates): Check[] {
  const { signal } = new AbortController();
  const ask = async (some: readonly Candidate[]) => reranker.rerank(query, some, signal);
  return [
    { title: 'is described well: name, candidates, time', run: async () => checkReranker(reranker) },
    {
      title: 'gives ids of candidates, each once at most',
      async run() {
        const ids = await ask(candidates);
        const known = new Set(candidates.map(({ product }) => product.id));
        assert.ok(
          ids.every((id) => known.has(id)),
          'an id that is no candidate',
        );
        assert.equal(new Set(ids).size, ids.length, 'an id twice');
      },
    },
    {
      title: 'gives the same for the same candidates, and leaves these as they are',
      async run() {
        const frozen = Object.freeze(candidates.map((one) => Object.freeze({ ...one })));
        assert.deepEqual(await ask(frozen), await ask(frozen));
      },
    },
    {
      title: 'takes a single candidate',
      async run() {
        const [one] = candidates as [Candidate];
        assert.ok((await ask([one])).every((id) => id === one.product.id));
      },
    },
    {
      title: 'answers within its time',
      async run() {
        const { timeoutMs = 50 } = reranker;
        const since = performance.now();
        await ask(candidates);
        const took = performance.now() - since;
        assert.ok(took < timeoutMs, `it took ${took.toFixed(1)} of ${timeoutMs} ms`);
      },
    },
  ];
}
