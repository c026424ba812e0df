import { expect, test } from 'vitest';
import { encodedFeatures, isOfEncoder, placeIn } from '../../../../learning/models/encoder-facts.ts';

const whole = { id: 'eye-1', title: 'An eye', licence: 'MIT', dimensions: 9 };
const parted = {
  ...whole,
  parts: [
    { name: 'last', length: 5 },
    { name: 'middle', length: 3 },
    { name: 'first', length: 1 },
  ],
};

test('an encoder without parts has one feature, its whole vector', () => {
  expect(encodedFeatures(whole)).toEqual([{ feature: 'eye-1', start: 0, length: 9 }]);
});

test('parts lie one behind the other, each a feature of its own name', () => {
  expect(encodedFeatures(parted)).toEqual([
    { feature: 'eye-1#last', start: 0, length: 5 },
    { feature: 'eye-1#middle', start: 5, length: 3 },
    { feature: 'eye-1#first', start: 8, length: 1 },
  ]);
  expect(placeIn(parted, 'eye-1#middle')).toMatchObject({ start: 5, length: 3 });
});

test('a feature that an encoder has not is told', () => {
  expect(() => placeIn(parted, 'eye-1')).toThrow('The encoder eye-1 has no feature eye-1');
  expect(() => placeIn(whole, 'eye-1#last')).toThrow('no feature eye-1#last');
});

test('features are known by the id of their encoder, and not by the beginning of one', () => {
  expect(['eye-1', 'eye-1#last', 'eye-12', 'eye-12#last', 'hog'].map((name) => isOfEncoder(name, 'eye-1'))).toEqual([
    ...[true, true, false, false, false],
  ]);
});
