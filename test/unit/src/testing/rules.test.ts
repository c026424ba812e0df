import { expect, test } from 'vitest';
import { loadExtensions } from '../../../../src/load-extensions.ts';
import { packageFile } from '../../../../src/package-root.ts';
import { checkFilters, type FilterExtension } from '../../../../src/ports/filter-extension.ts';
import { checkReranker, type Reranker } from '../../../../src/ports/reranker.ts';
import type { Check } from '../../../../src/testing/check.ts';
import { filterContract } from '../../../../src/testing/filter.ts';
import { rerankerContract } from '../../../../src/testing/reranker.ts';

const { filters, reranker } = await loadExtensions({
  SIMILI_EXTENSIONS: packageFile('examples/own-rules/shop-rules.mjs'),
});
const [brand] = filters as [FilterExtension];

/** Titles of the checks that are not passed. */
async function failed(checks: readonly Check[]): Promise<string[]> {
  const titles: string[] = [];
  for (const { title, run } of checks) await run().catch(() => titles.push(title));
  return titles;
}

test('the rules of the example keep their contracts', async () => {
  for (const filter of filters!) expect(await failed(filterContract(filter, [['acme']]))).toEqual([]);
  expect(await failed(rerankerContract(reranker!))).toEqual([]);
});

test.each<[string, Partial<FilterExtension>, RegExp]>([
  ['is called as nothing can be', { name: 'Brand!' }, /described well/],
  ['needs values', { condition: (values) => ({ column: 'tags', overlaps: values! }) }, /nobody asked/],
  ['writes SQL', { condition: () => "tags @> '{x}'" as never }, /that it takes/],
  [
    'breaks on what it does not know',
    { condition: (values) => (values === null ? null : { column: 'tags', overlaps: [values[0]!.trim()] }) },
    /any other values/,
  ],
  ['counts its calls', { condition: counting() }, /the same for the same values/],
])('a filter that %s does not', async (_name, change, title) => {
  const titles = await failed(filterContract({ ...brand, ...change }, [['acme']]));
  expect(titles).toContainEqual(expect.stringMatching(title));
});

function counting(): FilterExtension['condition'] {
  let calls = 0;
  return () => ({ column: 'tags', overlaps: [String(++calls)] });
}

test.each<[string, Partial<Reranker>, RegExp]>([
  ['wants too many', { candidates: 201 }, /described well/],
  ['adds one of its own', { rerank: () => ['elsewhere'] }, /ids of candidates/],
  ['shuffles', { rerank: (_query, all) => shuffled(all.map(({ product }) => product.id)) }, /the same for the same/],
  [
    'sorts in place',
    { rerank: (_query, all) => (all as unknown as { score: number }[]).sort((a, b) => a.score - b.score) as never },
    /leaves these as they are/,
  ],
  ['needs two', { rerank: (_query, all) => [all[1]!.product.id] }, /a single candidate/],
  ['takes its time', { timeoutMs: 1e-6 }, /within its time/],
])('a reranker that %s does not', async (_name, change, title) => {
  const titles = await failed(rerankerContract({ ...reranker!, ...change }));
  expect(titles).toContainEqual(expect.stringMatching(title));
});

let turns = 0;
const shuffled = (ids: string[]): string[] => ids.slice(++turns % 7).concat(ids.slice(0, turns % 7));

test.each<[object, string]>([
  [{ name: '' }, 'needs a name'],
  [{ rerank: 'by price' }, 'has no function rerank'],
  [{ candidates: 49 }, 'may get 50 to 200 candidates at once, not 49'],
  [{ timeoutMs: 0 }, 'may take up to 10000 ms, not 0'],
])('a reranker with %j is refused before anything opens', (change, why) => {
  expect(() => checkReranker({ ...reranker!, ...change } as Reranker)).toThrow(why);
});

test('two filters have two names', () => {
  expect(() => checkFilters([brand, brand])).toThrow('is there twice');
});
