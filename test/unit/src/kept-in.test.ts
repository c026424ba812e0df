import { expect, test } from 'vitest';
import { keptIn } from '../../../src/kept-in.ts';

test('a value is kept in its owner, where nobody else sees it, and the last one counts', () => {
  const [one, other] = [keptIn<object, number>(), keptIn<object, number>()];
  const owner = { name: 'mine' };
  expect(one.get(owner)).toBeUndefined();
  one.set(owner, 1);
  one.set(owner, 2);
  expect([one.get(owner), other.get(owner)]).toEqual([2, undefined]);
  expect([Object.keys(owner), { ...owner }, JSON.stringify(owner)]).toEqual([
    ['name'],
    { name: 'mine' },
    '{"name":"mine"}',
  ]);
});

test('it is not the value of an object that inherits from the owner, nor of its copy', () => {
  const kept = keptIn<object, number>();
  const owner = {};
  kept.set(owner, 1);
  expect([kept.get(Object.create(owner)), kept.get(Object.assign({}, owner))]).toEqual([undefined, undefined]);
});

test('of an object that takes no more properties, too', () => {
  const kept = keptIn<object, number>();
  for (const owner of [Object.freeze({}), Object.seal({}), Object.preventExtensions({})]) {
    kept.set(owner, 1);
    kept.set(owner, 2);
    expect(kept.get(owner)).toBe(2);
  }
});
