// node --test examples/own-encoder
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encoderContract } from 'simili/testing';
import { titleWords } from './title-words.mjs';

for (const { title, run } of encoderContract(titleWords)) test(`the encoder ${title}`, run);

test('titles that share words are nearer than titles that share none', async () => {
  const titles = ['Red mug', 'Red teapot', 'Blue jug'];
  const [mug, teapot, jug] = await titleWords.encode(titles.map((title) => ({ title })));
  const likeness = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  assert.ok(likeness(mug, teapot) > likeness(mug, jug));
});
