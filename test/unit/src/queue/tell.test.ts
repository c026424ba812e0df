import { expect, test } from 'vitest';
import { LateMessage, tellQueue } from '../../../../src/queue/tell.ts';
import { fakeLog } from '../../../support/api.ts';

test('a message that the queue was too slow for is a warning without a stack, what is broken is an error', () => {
  const { log, entries } = fakeLog();
  const broken = new Error('connection refused');
  for (const error of [new LateMessage('not taken in 3000 ms'), broken]) tellQueue(log)(error);
  expect(entries).toEqual([
    { level: 'warn', facts: { reason: 'not taken in 3000 ms' }, sentence: 'queue' },
    { level: 'error', facts: { err: broken }, sentence: 'queue' },
  ]);
});
