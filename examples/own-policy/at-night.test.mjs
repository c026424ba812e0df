// node --test examples/own-policy
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retrainPolicyContract } from 'simili/testing';
import { atNight } from './at-night.mjs';

for (const { title, run } of retrainPolicyContract(atNight)) test(`the policy ${title}`, run);

test('a training that is due at noon waits for the night', () => {
  const since = {
    trained: true,
    ended: new Date('2026-03-01'),
    began: new Date('2026-02-28'),
    choicesBefore: 0,
    choices: 100,
    products: 9,
    changed: 0,
    encoder: null,
  };
  const noon = atNight.plan(since, new Date('2026-03-04T12:00:00Z'));
  assert.deepEqual([noon.due, noon.notBefore], [false, new Date('2026-03-05T02:00:00Z')]);
  assert.equal(atNight.plan(since, new Date('2026-03-05T02:00:00Z')).due, true);
});
