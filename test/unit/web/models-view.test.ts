import { expect, test } from 'vitest';

const { changesLine, exampleLine, examinationLine, placeLine, precisionOf } = await import(
  new URL('../../../web/models-view.js', import.meta.url).href
);

test('the page says in a sentence what a training changed in lists, and of each example how many products are new', () => {
  expect(changesLine({ anchors: 100, changed: 87, newShare: 0.3125 })).toBe(
    'In 100 lists, 31 % of the products are new; 87 lists changed',
  );
  expect(changesLine({ anchors: 1, changed: 1, newShare: 0.5 })).toBe(
    'In 1 list, 50 % of the products are new; 1 list changed',
  );
  expect(exampleLine({ anchorId: 'lamp', before: ['a', 'b', 'c'], after: ['d', 'a', 'e'] })).toBe(
    'Beside lamp: 2 of 3 products are new',
  );
});

test('how far shoppers look, of a placement and place by place', () => {
  const places = [
    { place: 2, law: 0.812, free: 0.74, low: 0.7, high: 0.78 },
    { place: 3, law: 0.7, free: 0.7, low: 0.6, high: 0.8 },
  ];
  expect(examinationLine({ placement: 'default', apart: 0, places })).toBe('How far shoppers look: as expected');
  expect(examinationLine({ placement: 'cart', apart: 1, places })).toBe(
    'How far shoppers look (cart): 1 of 2 places are not as expected',
  );
  expect(placeLine(places[0]!)).toBe('Place 2: looked at 81 % as often as the first; 70 to 78 % by itself');
});

test('a share of triplets in the right order is told with their number', () => {
  const evaluation = { structure: { triplets: 400, precision: 0.8021 }, clicks: { triplets: 3, precision: 1 } };
  expect(precisionOf({ metrics: { evaluation } })).toBe('Right order: categories 80.2 % of 400, clicks 100.0 % of 3');
  expect(precisionOf({ metrics: { evaluation: { clicks: { triplets: 0, precision: 0 } } } })).toBe('');
  expect(precisionOf({ metrics: null })).toBe('');
});
