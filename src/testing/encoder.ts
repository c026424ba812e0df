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
 * Checks of an encoder.
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
        const { name, dimensions } = encoder.space;
        for (const [i, answer] of answers.entries()) {
          if (answer === null || answer === undefined) continue;
          const of = `sample ${i + 1}`;
          assert.ok(answer instanceof Float32Array, `${of}: a Float32Array, null or undefined is needed`);
          assert.equal(
            answer.length,
            dimensions,
            `${of}: the space ${name} has ${dimensions} numbers, not ${answer.length}`,
          );
          assert.ok(answer.every(Number.isFinite), `${of}: numbers that are not finite`);
        }
      },
    },
    {
      title: 'has something to say of one of the samples',
      async run() {
        const answers = await encode(samples);
        const says = answers.some((answer) => answer?.some((value) => value !== 0));
        assert.ok(says, 'of every sample it says nothing: null, undefined or zeros');
      },
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
