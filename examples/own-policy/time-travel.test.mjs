// A shop's own test need not wait: the clock is one of the parts that can be plugged in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSimili } from 'simili';
import { clockContract } from 'simili/testing';

const travelled = { ms: 0 };
const clock = { now: () => new Date(Date.now() + travelled.ms) };

for (const { title, run } of clockContract(clock)) test(`the clock ${title}`, run);

test('a list can be reported about for seven days', async () => {
  const simili = await openSimili({ dataDir: null, extensions: { clock } });
  const { services } = simili;
  const view = { serving: async () => null, product: async () => null };
  const { recommendationId } = await services.similarItems({ anchorId: 'mug' }, view);
  const report = async () => {
    const impression = {
      eventId: crypto.randomUUID(),
      occurredAt: clock.now().toISOString(),
      recommendationId,
      itemIds: ['cup'],
    };
    const { rejections } = await services.submitFeedback({ id: 'visitor', consents: true }, [{ impression }]);
    return rejections[0]?.error.code;
  };
  assert.equal(await report(), 'LIST_NOT_RANKED'); // of a shop without a model
  travelled.ms = 8 * 24 * 3_600_000;
  assert.equal(await report(), 'RECOMMENDATION_EXPIRED');
  await simili.close();
});
