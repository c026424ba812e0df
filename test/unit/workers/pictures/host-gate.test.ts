import { describe, expect, test } from 'vitest';
import { openHostGate, retryAfterSeconds } from '../../../../workers/pictures/host-gate.ts';

describe('a host', () => {
  const open = () => {
    const clock = { now: 1_000_000 };
    return { clock, gate: openHostGate({ now: () => clock.now }) };
  };

  test('that fails five times in a row rests, longer each time, and one good answer makes up for all', () => {
    const { clock, gate } = open();
    const fail = () => gate.tell('a', { failed: true });
    for (let i = 0; i < 4; i++) fail();
    expect(gate.restOf('a')).toBe(0);
    const rests: number[] = [];
    for (let i = 0; i < 7; i++) {
      fail();
      rests.push(gate.restOf('a'));
      clock.now += 1000 * gate.restOf('a');
    }
    expect(rests).toEqual([30, 60, 120, 240, 480, 600, 600]);
    gate.tell('a', { failed: false });
    for (let i = 0; i < 4; i++) fail();
    expect(gate.restOf('a')).toBe(0);
    expect(gate.restOf('b')).toBe(0);
  });

  test('that asks for a rest gets it at once', () => {
    const { clock, gate } = open();
    gate.tell('a', { failed: true, restSeconds: 90 });
    clock.now += 30_000;
    expect(gate.restOf('a')).toBe(60);
  });

  test('gives its connections in the order of asking, and one that ends badly is free again', async () => {
    const gate = openHostGate({ perHost: 1 });
    const order: number[] = [];
    const tasks = [1, 2, 3].map((n) =>
      gate.use('a', async () => {
        order.push(n);
        if (n === 2) throw new Error('lost');
      }),
    );
    expect((await Promise.allSettled(tasks)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(order).toEqual([1, 2, 3]);
  });
});

test.each([
  ['120', 120],
  ['0', 0],
  ['Thu, 26 Nov 2026 12:01:30 GMT', 90],
  ['Thu, 26 Nov 2026 11:00:00 GMT', 0],
  ['99999999', 6 * 3600],
  ['soon', 0],
  [undefined, 0],
])('Retry-After %s is %d s', (header, seconds) => {
  expect(retryAfterSeconds(header, Date.parse('2026-11-26T12:00:00Z'))).toBe(seconds);
});
