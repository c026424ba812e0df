import { expect, test } from 'vitest';
import { checkEncoders, type Encoder } from '../../../../src/ports/encoder.ts';
import { encoderContract } from '../../../../src/testing/encoder.ts';
import { titleWords } from '../../../support/title-words.ts';

/** Titles of the checks that an encoder does not pass. */
async function failed(encoder: Encoder): Promise<string[]> {
  const titles: string[] = [];
  for (const { title, run } of encoderContract(encoder)) await run().catch(() => titles.push(title));
  return titles;
}

test('the encoder of the example keeps the contract', async () => {
  expect(await failed(titleWords)).toEqual([]);
});

test.each<[string, Partial<Encoder>, RegExp]>([
  [
    'names a space as no table can be called',
    { space: { ...titleWords.space, name: 'Title words' } },
    /described well/,
  ],
  [
    'gives one number too few',
    { encode: async (all: readonly unknown[]) => all.map(() => new Float32Array(511)) },
    /its dimensions/,
  ],
  [
    'gives no numbers',
    { encode: async (all: readonly unknown[]) => all.map(() => new Float32Array(512).fill(NaN)) },
    /finite/,
  ],
  ['is silent', { encode: async (all: readonly unknown[]) => all.map(() => null) }, /something to say/],
  ['counts its calls', { encode: counting() }, /the same of a product again/],
  ['answers what nobody asked', { encode: async () => [new Float32Array(512)] }, /of no products/],
])('an encoder that %s does not', async (_name, change, title) => {
  expect(await failed({ ...titleWords, ...change } as Encoder)).toContainEqual(expect.stringMatching(title));
});

function counting() {
  let calls = 0;
  return async (all: readonly unknown[]) => all.map(() => Float32Array.from({ length: 512 }, () => ++calls));
}

const space = titleWords.space;
test.each<[object, string]>([
  [{ id: 'a b' }, 'needs an id of at most 100'],
  [{ encode: undefined }, 'has no function encode'],
  [{ input: 'sound' }, 'reads neither `product` nor `pictures`'],
  [{ weight: 0 }, 'needs a weight over 0, at most 100, a number, not 0'],
  [{ weight: '1' as never }, 'needs a weight over 0, at most 100, a number, not "1"'],
  [{ space: undefined as never }, 'has no space: `{ name, dimensions, distance, storage }`'],
  [{ space: { ...space, dimensions: 4001 } }, 'has 4001 dimensions: a halfvec may have 1 to 4000'],
  [{ space: { ...space, storage: 'bit' } }, 'storage bit goes with distance hamming, and only with it'],
  [{ space: { ...space, storage: 'text' } }, 'cannot be stored as text'],
  [{ space: { ...space, distance: 'far' } }, 'has no distance far'],
  [{ space: { ...space, name: 'pictures' } }, 'has a space pictures, and that name is taken'],
])('an encoder with %j is refused before anything opens', (change, why) => {
  expect(() => checkEncoders([{ ...titleWords, ...change } as Encoder])).toThrow(why);
});

test.each([{ a: 1 }, [null], 'mine'])('%j is no list of encoders, and says so', (encoders) => {
  expect(() => checkEncoders(encoders as never)).toThrow('Encoders are a list of objects');
});

test('two encoders have two spaces', () => {
  expect(() => checkEncoders([titleWords, { ...titleWords, id: 'other' }])).toThrow('that name is taken');
});
