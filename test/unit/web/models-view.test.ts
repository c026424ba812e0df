import { expect, test } from 'vitest';

const { changesLine, exampleLine } = await import(new URL('../../../web/models-view.js', import.meta.url).href);

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
