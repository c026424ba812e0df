import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config.ts';
import { FEEDBACK_WORTH, parseActionValues, valuesText } from '../../../src/feedback-worth.ts';

const USUAL = { click: 1, cart: 3, purchase: 6, dismiss: -1 };

test('a purchase counts as six clicks, a cart as three, a dismissal takes one back, and half a year halves all', () => {
  expect(FEEDBACK_WORTH).toEqual({ values: USUAL, halfLifeDays: 180 });
});

test('values are read from the environment; those left out are as usual', () => {
  const { SIMILI_ACTION_VALUES: values } = loadConfig({ SIMILI_ACTION_VALUES: 'purchase = 10, dismiss=-0.5' });
  expect(values).toEqual({ ...USUAL, purchase: 10, dismiss: -0.5 });
  expect(loadConfig({}).SIMILI_ACTION_VALUES).toEqual(USUAL);
  expect(parseActionValues(valuesText(USUAL))).toEqual(USUAL);
  expect(loadConfig({ SIMILI_FEEDBACK_HALF_LIFE_DAYS: '0' }).SIMILI_FEEDBACK_HALF_LIFE_DAYS).toBe(0);
});

test.each([
  ['buy=3', /buy=3 is no value of an action/],
  ['toString=3', /no value of an action/],
  ['cart', /cart is no value/],
  ['cart=', /cart= is no value/],
  ['cart=1=2', /no value/],
  ['cart=1e400', /no value/],
  ['cart=0', /click, cart and purchase are above 0 and at most 1000/],
  ['purchase=1001', /at most 1000/],
  ['dismiss=1', /dismiss is from -1000 to 0/],
])('%s is refused with what is wrong', (text, why) => {
  expect(() => loadConfig({ SIMILI_ACTION_VALUES: text })).toThrow(why);
});

test.each(['-1', '0.5', '40000', 'x'])('a half-life of %s days is refused', (days) => {
  expect(() => loadConfig({ SIMILI_FEEDBACK_HALF_LIFE_DAYS: days })).toThrow(/SIMILI_FEEDBACK_HALF_LIFE_DAYS/);
});
