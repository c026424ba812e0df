import sharp from 'sharp';
import { expect, test } from 'vitest';
import { openDrawings } from '../../../bench/emoji/drawings.ts';
import { measureDrawings } from '../../../bench/emoji/measure.ts';
import { listThings } from '../../../bench/emoji/things.ts';
import { distancesOf } from '../../../bench/quality/arena.ts';

test('the development set is 853 things of 49 subgroups, split by whole things and whole subgroups', () => {
  const all = listThings(openDrawings().drawnByAll);
  const count = (split: string) => all.filter((one) => one.split === split).length;
  expect([all.length, count('train'), count('val'), count('test')]).toEqual([853, 432, 119, 302]);
  expect(new Set(all.map(({ subgroup }) => subgroup)).size).toBe(49);
  const learned = new Set(all.filter(({ split }) => split === 'train').map(({ subgroup }) => subgroup));
  const whole = all.filter(({ wholeSubgroup }) => wholeSubgroup);
  expect(whole).toHaveLength(189 + 57);
  expect(whole.some(({ subgroup }) => learned.has(subgroup))).toBe(false);
});

test('a query looks among the other vendors only, and its three right answers are found by hand', () => {
  // One dimension: thing 0 at 0, 1, 2, 9 by vendor, thing 1 at 3, 4, 5, 6.
  const places = [0, 1, 2, 9, 3, 4, 5, 6];
  const measured = measureDrawings(distancesOf(places.map((place) => Float32Array.of(place))));
  expect(measured.map).toHaveLength(2);
  // From 0: 1, 2 (right), 4, 5, 6 (wrong), 9 (right); 3 is of its own vendor.
  expect(measured.map[0]![0]).toBeCloseTo((1 + 1 + 3 / 6) / 3, 12);
  expect(measured.p1[0]).toEqual([1, 1, 1, 0]); // from 9 the nearest of another vendor is 5
});

test('drawings are rendered where the decoder of pictures has forbidden SVG', async () => {
  const { drawnByAll, render } = openDrawings();
  const [key] = drawnByAll;
  sharp.block({ operation: ['VipsForeignLoad'] });
  try {
    const { format, width } = await sharp(await render(key!, 'noto').finally(allow)).metadata();
    expect([format, width]).toEqual(['png', 384]);
  } finally {
    allow();
  }
});

const allow = () => sharp.unblock({ operation: ['VipsForeignLoad'] });
