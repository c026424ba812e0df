import assert from 'node:assert/strict';
import { checkEncoders, type Encoded, type Encoder, type ProductFacts } from '../ports/encoder.ts';
import type { Check } from './check.ts';

const product = (id: string, title: string, more: Partial<ProductFacts> = {}): ProductFacts => ({
  id,
  title,
  url: null,
  categories: [],
  tags: [],
  price: null,
  currency: null,
  available: true,
  ...more,
});

/** Products as shops have them: with and without words, categories and a price, in several scripts. */
export const sampleProducts: readonly ProductFacts[] = [
  product('mug', 'Red mug', { categories: ['kitchen', 'mugs'], price: '12.50', currency: 'EUR' }),
  product('jug', 'Blue jug', { url: 'https://shop.example/jug', tags: ['new'], available: false }),
  product('blank', ' '),
  product('cup', 'コーヒーカップ ☕'),
  product('long', 'very '.repeat(200)),
];

const dontStop = new AbortController().signal;

/**
 * What every encoder must do.
 * @param samples what it reads; default of one that reads products: `sampleProducts`. One that reads pictures needs some of its own.
 */
export function encoderContract<Item>(encoder: Encoder, samples = sampleProducts as readonly Item[]): Check[] {
  const encode = async (items: readonly Item[]): Promise<readonly Encoded[]> =>
    (encoder.encode as (items: readonly Item[], signal: AbortSignal) => Promise<readonly Encoded[]>)(items, dontStop);
  return [
    {
      title: 'is described well: id, input, weight and space',
      run: async () => checkEncoders([encoder]),
    },
    {
      title:
        'answers for each product, in order: a Float32Array of its dimensions with finite numbers, null or undefined',
      async run() {
        const answers = await encode(samples);
        assert.equal(answers.length, samples.length);
        for (const answer of answers) {
          if (answer === null || answer === undefined) continue;
          assert.ok(answer instanceof Float32Array);
          assert.equal(answer.length, encoder.space.dimensions);
          assert.ok(answer.every(Number.isFinite), 'numbers that are not finite');
        }
      },
    },
    {
      title: 'has something to say of one of the samples',
      run: async () => assert.ok((await encode(samples)).some((answer) => answer?.some((value) => value !== 0))),
    },
    {
      title: 'says the same of a product again, alone and in another order',
      async run() {
        const together = await encode(samples);
        assert.deepEqual((await encode([...samples].reverse())).toReversed(), together);
        for (const [i, item] of samples.entries()) assert.deepEqual(await encode([item]), [together[i]]);
      },
    },
    {
      title: 'of no products has no vectors',
      run: async () => assert.deepEqual(await encode([]), []),
    },
  ];
}
