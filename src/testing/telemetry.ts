import assert from 'node:assert/strict';
import { checkTelemetry, type Telemetry } from '../ports/telemetry.ts';
import type { Check } from './check.ts';

/** Checks of a telemetry. */
export const telemetryContract = (telemetry: Telemetry): Check[] => [
  { title: 'is described well: functions span and count', run: async () => checkTelemetry(telemetry) },
  {
    title: 'does the work of a span once, and gives what it gives',
    async run() {
      let times = 0;
      const result = await telemetry.span('simili.search', { lists: 1 }, async (span) => {
        times += 1;
        span.set({ found: true, kind: 'list' });
        return { times };
      });
      assert.deepEqual(result, { times: 1 });
    },
  },
  {
    title: 'rejects with what the work rejects with',
    async run() {
      const error = new Error('the work failed');
      await assert.rejects(
        telemetry.span('simili.job', {}, () => Promise.reject(error)),
        (thrown) => thrown === error,
      );
    },
  },
  {
    title: 'takes spans within spans, and beside each other',
    async run() {
      const inner = (value: number) => telemetry.span('simili.search', {}, async () => value);
      const sum = telemetry.span('simili.similar_items', {}, async () => (await inner(1)) + (await inner(2)));
      assert.deepEqual(await Promise.all([sum, inner(4)]), [3, 4]);
    },
  },
  {
    title: 'takes counters, again and with other attributes',
    async run() {
      telemetry.count('simili.products', 1, {});
      telemetry.count('simili.products', 500, { catalog: 'default', outcome: 'created' });
    },
  },
];
