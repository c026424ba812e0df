import { expect, test } from 'vitest';
import { type RetrainSettings, type SinceTraining, usualRetrainPolicy } from '../../../../src/ports/retrain-policy.ts';

const now = new Date('2026-01-01T12:00:00Z');
const minutesAgo = (minutes: number) => new Date(now.getTime() - 60_000 * minutes);
const quiet: SinceTraining = {
  trained: true,
  ended: minutesAgo(600),
  began: minutesAgo(610),
  choicesBefore: 0,
  choices: 0,
  products: 1000,
  changed: 0,
  encoder: null,
};
const plan = (since: Partial<SinceTraining>, settings: Partial<RetrainSettings> = {}) =>
  usualRetrainPolicy({ pauseMinutes: 60, choices: 500, schedule: null, ...settings }).plan({ ...quiet, ...since }, now);

test('500 new choices are enough, and one fewer is not', () => {
  expect(plan({ choices: 499 })).toMatchObject({ due: false, reason: null, newChoices: 499, neededChoices: 500 });
  expect(plan({ choices: 500 })).toMatchObject({ due: true, reason: '500 new choices of shoppers (500 are enough)' });
});

test('a shop that learned from many waits for a twentieth of those', () => {
  expect(plan({ choices: 999, choicesBefore: 20_000 })).toMatchObject({ due: false, neededChoices: 1000 });
  expect(plan({ choices: 1000, choicesBefore: 20_000 }).due).toBe(true);
});

test('a fifth of the catalog with new pictures is enough', () => {
  expect(plan({ changed: 199 })).toMatchObject({ due: false, newProducts: 199, neededProducts: 200 });
  expect(plan({ changed: 200 })).toMatchObject({ due: true, reason: '200 of 1000 products have a new picture' });
  expect(plan({ products: 0 }).due).toBe(false);
});

test('another encoder is a reason by itself, told while it waits for the pause', () => {
  const encoder = 'another encoder looks at pictures than the last training had (An eye)';
  expect(plan({})).toMatchObject({ due: false, encoder: null });
  expect(plan({ encoder })).toMatchObject({ due: true, reason: encoder, encoder });
  expect(plan({ encoder, choices: 500 }).reason).toBe(`500 new choices of shoppers (500 are enough); ${encoder}`);
  expect(plan({ encoder, ended: minutesAgo(59) })).toMatchObject({ due: false, reason: null, encoder });
  expect(plan({ encoder }, { pauseMinutes: 0 })).toMatchObject({ due: false, encoder });
});

test('it comes no sooner than the pause after the last training, whatever became of that, and is not forgotten', () => {
  expect(plan({ choices: 500, ended: minutesAgo(59) })).toMatchObject({ due: false, notBefore: minutesAgo(-1) });
  expect(plan({ choices: 500, ended: minutesAgo(60) })).toMatchObject({ due: true, notBefore: null });
  expect(plan({ choices: 500, ended: minutesAgo(9) }, { pauseMinutes: 5 }).due).toBe(true);
});

test('none comes while one is on its way, before the first one, or where they are switched off', () => {
  expect(plan({ choices: 500, ended: null }).due).toBe(false);
  expect(plan({ choices: 500, trained: false }).due).toBe(false);
  expect(plan({ choices: 500 }, { pauseMinutes: 0 })).toMatchObject({ due: false, automatic: false });
});

test('at a time of the schedule one comes, once, and what was missed comes later', () => {
  const schedule = '0 11 * * *'; // an hour ago
  const eleven = '2026-01-01T11:00:00.000Z';
  const tomorrow = new Date('2026-01-02T11:00:00Z');
  expect(plan({}, { schedule })).toMatchObject({
    due: true,
    reason: `scheduled for ${eleven}`,
    scheduledFor: tomorrow,
  });
  expect(plan({ began: minutesAgo(59), ended: minutesAgo(58) }, { schedule, pauseMinutes: 5 })).toMatchObject({
    due: false,
  });
  // One that began before the time does not know what came until then.
  expect(plan({ began: minutesAgo(61), ended: minutesAgo(30) }, { schedule, pauseMinutes: 5 }).due).toBe(true);
  expect(plan({ began: minutesAgo(61), ended: minutesAgo(30) }, { schedule })).toMatchObject({
    due: false,
    notBefore: minutesAgo(-30),
  });
  expect(plan({ began: null }, { schedule, pauseMinutes: 0 })).toMatchObject({ due: false, scheduledFor: tomorrow });
  expect(plan({})).toMatchObject({ due: false, scheduledFor: null });
});
