import { expect, test } from 'vitest';

const { nextTraining } = await import(new URL('../../../web/next-training.js', import.meta.url).href);
const plan = {
  automatic: true,
  due: false,
  encoder: null,
  notBefore: null,
  scheduledFor: null,
  newChoices: 12,
  neededChoices: 500,
  newProducts: 3,
  neededProducts: 170,
};

test('the page says in a sentence when the next training comes, and that an encoder asks for it', () => {
  expect(nextTraining(plan)).toBe(
    'The next training comes by itself after 500 new choices of shoppers (12 so far) or 170 new pictures (3 so far).',
  );
  expect(nextTraining({ ...plan, scheduledFor: new Date(0).toISOString() })).toMatch(
    /new pictures \(3 so far\), or .*19\d\d.*\.$/,
  );
  const rests = (time: Date) => nextTraining({ ...plan, notBefore: time.toISOString() });
  expect(rests(new Date())).toMatch(/\(3 so far\), not before \d?\d:\d\d(\s[AP]M)?\.$/);
  expect(rests(new Date(Date.now() + 3 * 86_400_000))).toMatch(/, not before .*20\d\d.* \d?\d:\d\d(\s[AP]M)?\.$/); // a pause may be days
  const encoder = 'no encoder looks at pictures any more';
  const asked = { ...plan, encoder };
  expect(nextTraining({ ...asked, due: true })).toBe(
    `The next training begins within a minute, by itself: ${encoder}.`,
  );
  expect(nextTraining({ ...asked, notBefore: new Date(0).toISOString() })).toMatch(
    /^The next training comes by itself, not before \S+.*: no encoder looks at pictures any more\.$/,
  );
  expect(nextTraining({ ...asked, automatic: false })).toBe(
    `No training comes by itself (SIMILI_RETRAIN_PAUSE_MINUTES is 0): ${encoder}.`,
  );
});
