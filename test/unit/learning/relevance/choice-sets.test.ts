import { expect, test } from 'vitest';
import { choiceSets, chosenPairs } from '../../../../learning/relevance/choice-sets.ts';

const seen = (anchor: number, item: number, position: number, impressions: number, clicks: number) => ({
  anchor,
  item,
  position,
  impressions,
  clicks,
  value: clicks,
});

test('what was seen beside an anchor is one set, an item of it one row over all its places', () => {
  const pairs = [
    seen(7, 3, 1, 10, 2),
    seen(5, 2, 4, 8, 0),
    seen(5, 9, 1, 4, 1),
    seen(5, 2, 1, 6, 3),
    { ...seen(5, 2, 1, 6, 0), placement: 'row' },
    seen(7, 4, 2, 10, 0),
    seen(7, 6, 3, 0, 1), // a lost beacon
  ];
  const base = (_anchor: number, item: number) => ({ rate: item === 9 ? 2 : 1, variance: 0 });
  const sets = choiceSets(pairs, (position, placement) => (placement === 'row' ? 0.5 : 1 / position), base);
  expect(sets).toEqual([
    {
      anchor: 5,
      items: Int32Array.of(2, 9),
      chosen: Float64Array.of(3, 1),
      exposure: Float64Array.of(8 / 4 + 6 + 6 / 2, 8),
    },
    { anchor: 7, items: Int32Array.of(3, 4), chosen: Float64Array.of(2, 0), exposure: Float64Array.of(10, 5) },
  ]);
  expect(chosenPairs(sets)).toBe(3);
});

test('where nothing was chosen, or nothing else seen, nobody preferred anything', () => {
  expect(choiceSets([seen(1, 2, 1, 9, 0), seen(1, 3, 2, 9, 0), seen(4, 5, 1, 9, 9)], () => 1)).toEqual([]);
});
