import { expect, test } from 'vitest';

const { feedbackFacts } = await import(new URL('../../../web/feedback-facts.js', import.meta.url).href);

test('the page says in sentences how feedback fares, and how often the version that serves is chosen from', () => {
  const health = { accepted: 0, rejections: [], impressionCoverage: null, daysPending: 0, bots: { visitors: 0 } };
  const few = 'Too few shoppers have seen the model that serves to say what share they choose.';
  expect(feedbackFacts(health, [], null)).toBe(`Feedback of 7 days: 0 events accepted, none rejected. ${few}`);
  const versions = [
    { modelVersionId: 'mdl_2', rate: { rate: 0.0412, low: 0.0351, high: 0.0478 } },
    { modelVersionId: 'mdl_1', rate: null },
  ];
  const rejections = [
    { code: 'NOT_IN_LIST', count: 3 },
    { code: 'TIME_OUT_OF_RANGE', count: 1 },
  ];
  const full = { accepted: 1234, rejections, impressionCoverage: 0.5, daysPending: 2, bots: { visitors: 7 } };
  expect(feedbackFacts(full, versions, 'mdl_2')).toBe(
    'Feedback of 7 days: 1234 events accepted, 3 NOT_IN_LIST, 1 TIME_OUT_OF_RANGE rejected. ' +
      '50.0 % of the lists that it is about say what was seen. ' +
      'In 28 days, of what shoppers saw of the model that serves they chose 4.1 % (3.5 % to 4.8 %). ' +
      '7 bots were found, and count for nothing. 2 days wait to be counted.',
  );
  expect(feedbackFacts(full, versions, 'mdl_1')).toContain(few);
});
