import { expect, test } from 'vitest';
import { checkRetrainPolicy, type RetrainPolicy, usualRetrainPolicy } from '../../../../src/ports/retrain-policy.ts';
import { retrainPolicyContract } from '../../../../src/testing/retrain-policy.ts';

const usual = usualRetrainPolicy({ pauseMinutes: 60, choices: 500 });

/** Titles of the checks that are not passed. */
async function failed(policy: RetrainPolicy): Promise<string[]> {
  const titles: string[] = [];
  for (const { title, run } of retrainPolicyContract(policy)) await run().catch(() => titles.push(title));
  return titles;
}

test('the usual policy keeps the contract, also switched off', async () => {
  expect(await failed(usual)).toEqual([]);
  expect(await failed(usualRetrainPolicy({ pauseMinutes: 0, choices: 1 }))).toEqual([]);
});

const plan: RetrainPolicy['plan'] = (since, now) => ({ ...usual.plan(since, now), due: true, reason: 'always' });
let calls = 0;
test.each<[string, Partial<RetrainPolicy>, RegExp]>([
  ['has no name', { name: '' }, /described well/],
  ['has no reason', { plan: (since, now) => ({ ...plan(since, now), reason: null }) }, /gives a reason/],
  ['does not look whether one is on its way', { plan }, /on its way/],
  ['does not look whether there was one', { plan }, /before the first one/],
  [
    'does not look at its own pause',
    { plan, restsUntil: (_ended, now) => new Date(now.getTime() + 1) },
    /while it rests/,
  ],
  ['rests until what is over', { restsUntil: (_ended, now) => now }, /still to come/],
  [
    'counts its calls',
    { plan: (since, now) => ({ ...usual.plan(since, now), newChoices: ++calls }) },
    /the same of the same/,
  ],
])('a policy that %s does not', async (_name, change, title) => {
  expect(await failed({ ...usual, ...change })).toContainEqual(expect.stringMatching(title));
});

test('one that lacks a part is refused before anything opens', () => {
  expect(() => checkRetrainPolicy({ ...usual, plan: undefined } as never)).toThrow(
    'needs a name, automatic, and functions',
  );
});
