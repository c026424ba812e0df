// node --test examples/own-rules
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterContract, rerankerContract, sampleProducts } from 'simili/testing';
import { alternating, brand, noShowroom } from './shop-rules.mjs';

for (const { title, run } of filterContract(brand, [['acme'], ['acme', 'bolt']]))
  test(`the brand filter ${title}`, run);
for (const { title, run } of filterContract(noShowroom, [['anything']])) test(`the showroom filter ${title}`, run);
for (const { title, run } of rerankerContract(alternating)) test(`the reranker ${title}`, run);

test('a list alternates between brands', () => {
  const of = (id, name) => ({ product: { ...sampleProducts[0], id, tags: [`brand:${name}`] }, score: 1 });
  const candidates = [of('a1', 'acme'), of('a2', 'acme'), of('a3', 'acme'), of('b1', 'bolt'), of('b2', 'bolt')];
  assert.deepEqual(alternating.rerank(sampleProducts[0], candidates), ['a1', 'b1', 'a2', 'b2', 'a3']);
});
