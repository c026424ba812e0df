// A text encoder as a second space beside the pictures: products are alike also by the words of their titles. Each word is
// hashed to one of 512 numbers, so there is no vocabulary to keep, and a word that nobody has seen yet has its place too.
// Try it in your shop: SIMILI_EXTENSIONS=./title-words.mjs npx simili start
import { createHash } from 'node:crypto';

const DIMENSIONS = 512;

/** @type {import('simili').ProductEncoder} */
export const titleWords = {
  id: 'title-words@1', // another way to compute it is another number
  input: 'product',
  space: { name: 'title_words', dimensions: DIMENSIONS, distance: 'cosine', storage: 'halfvec' },
  weight: 1,
  encode: async (products) => products.map(({ title }) => vectorOf(title.toLowerCase().match(/\p{L}+/gu) ?? [])),
};

export default { encoders: [titleWords] };

/** @param {string[]} words @returns null: there are none */
function vectorOf(words) {
  if (words.length === 0) return null;
  const vector = new Float32Array(DIMENSIONS);
  for (const word of words) {
    const hash = createHash('sha256').update(word).digest();
    // Half of the words count down: two that meet in one place need not add up.
    vector[hash.readUInt32LE(0) % DIMENSIONS] += hash[4] % 2 ? 1 : -1;
  }
  return vector.some((value) => value !== 0) ? vector : null;
}
