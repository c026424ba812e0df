import assert from 'node:assert/strict';
import { checkRetrainPolicy, type RetrainPolicy, type SinceTraining } from '../ports/retrain-policy.ts';
import type { Check } from './check.ts';

/** Noon and midnight, on a day of the week and at its end. */
const times = ['2026-03-04T12:00:00Z', '2026-03-04T00:00:00Z', '2026-03-07T12:00:00Z'].map((text) => new Date(text));

/** A shop some hours after its last training, to whom all has happened that asks for one. */
const busy: SinceTraining = {
  trained: true,
  ended: new Date('2026-03-01T00:00:00Z'),
  began: new Date('2026-02-28T23:50:00Z'),
  choicesBefore: 1000,
  choices: 1_000_000,
  products: 1000,
  changed: 1000,
  encoder: 'another encoder looks at pictures than the last training had (An eye)',
};
const idle: SinceTraining = { ...busy, choices: 0, changed: 0, encoder: null };
const samples = [busy, idle, { ...idle, products: 0 }];

/** Checks of a retrain policy. */
export function retrainPolicyContract(policy: RetrainPolicy): Check[] {
  const everywhere = (check: (since: SinceTraining, now: Date) => void): void => {
    for (const since of samples) for (const now of times) check(since, now);
  };
  const neverDue = (change: Partial<SinceTraining>): void =>
    everywhere((since, now) => assert.equal(policy.plan({ ...since, ...change }, now).due, false));
  return [
    { title: 'is described well: name, automatic, restsUntil, plan', run: async () => checkRetrainPolicy(policy) },
    {
      title: 'gives a reason of at most 200 characters where a training is due, and none where it is not',
      run: async () =>
        everywhere((since, now) => {
          const { due, reason } = policy.plan(since, now);
          assert.equal(typeof due, 'boolean');
          if (due) assert.ok(typeof reason === 'string' && reason.length > 0 && reason.length <= 200, String(reason));
          else assert.equal(reason, null);
        }),
    },
    {
      title: 'starts none while one is on its way',
      run: async () => neverDue({ ended: null }),
    },
    {
      title: 'starts none before the first one',
      run: async () => neverDue({ trained: false }),
    },
    {
      title: 'starts none while it rests, and none where it is not automatic',
      run: async () =>
        everywhere((since, now) => {
          const { due, automatic } = policy.plan(since, now);
          assert.equal(automatic, policy.automatic);
          const rests = since.ended !== null && policy.restsUntil(since.ended, now) !== null;
          if (rests || !automatic) assert.equal(due, false);
        }),
    },
    {
      title: 'rests until a time that is still to come',
      async run() {
        for (const now of times)
          for (const ended of times) {
            const until = policy.restsUntil(ended, now);
            assert.ok(until === null || until > now, `${until?.toISOString()} at ${now.toISOString()}`);
          }
      },
    },
    {
      title: 'says the same of the same',
      run: async () => everywhere((since, now) => assert.deepEqual(policy.plan(since, now), policy.plan(since, now))),
    },
  ];
}
