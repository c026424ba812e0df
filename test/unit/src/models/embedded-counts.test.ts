import { expect, test } from 'vitest';
import { embeddedCounts } from '../../../../src/models/embedded-counts.ts';

test('vectors of a large version are counted now and then, those of a small one each time', async () => {
  let now = 0;
  const asked: number[] = [];
  const countOf = embeddedCounts(
    async (version) => {
      asked.push(version);
      now += version === 1 ? 100 : 1; // ms
      return 10 * version + asked.length;
    },
    () => now,
  );
  expect([await countOf(1), await countOf(2)]).toEqual([11, 22]);
  expect([await countOf(1), await countOf(2)]).toEqual([11, 23]);
  now += 20 * 100;
  expect(await countOf(1)).toBe(14);
  expect(asked).toEqual([1, 2, 2, 1]);
});
