import { expect, test } from 'vitest';
import { dueFirstModel, type Shop } from '../../../../workers/jobs/first-models.ts';

const now = new Date('2026-01-01T12:00:00Z');
const minutesAgo = (minutes: number) => new Date(now.getTime() - 60_000 * minutes);
const due = (shop: Partial<Shop>) =>
  dueFirstModel(
    {
      serving: false,
      network: false,
      products: 100,
      pending: 0,
      untried: false,
      quietSeconds: 0,
      last: null,
      refused: 0,
      changed: false,
      ...shop,
    },
    now,
  );
const ended = (state: 'FAILED' | 'CANCELLED', minutes: number, code = 'INTERNAL') => ({
  state,
  updatedAt: minutesAgo(minutes),
  error: state === 'FAILED' ? { code, message: '', retry: false } : null,
});

test('the first answers come as soon as there are two products to compare, and the network at twenty', () => {
  expect(due({ products: 1 })).toBeNull();
  expect(due({ products: 2 })).toBe('BOOTSTRAP');
  expect(due({ serving: true, products: 19 })).toBeNull();
  expect(due({ serving: true, products: 20 })).toBe('RETRAIN');
  expect(due({ serving: true, products: 20, network: true })).toBeNull();
});

test('pictures that are on their way are waited for while they come, not while a host asks for patience', () => {
  expect(due({ pending: 5, quietSeconds: 1 })).toBeNull();
  expect(due({ pending: 5, quietSeconds: 20 })).toBe('BOOTSTRAP');
  expect(due({ pending: 90_000, quietSeconds: 1, products: 2000 })).toBe('BOOTSTRAP');
});

test('pictures that nobody has tried yet are no quiet, however slow the machine, until a claim of a dead worker is over', () => {
  expect(due({ pending: 500, untried: true, quietSeconds: 119 })).toBeNull();
  expect(due({ pending: 500, untried: true, quietSeconds: 121 })).toBe('BOOTSTRAP');
  expect(due({ serving: true, pending: 500, untried: true, quietSeconds: 119 })).toBeNull();
  expect(due({ pending: 90_000, untried: true, quietSeconds: 1, products: 2000 })).toBe('BOOTSTRAP');
});

test('a first training that was asked for on a shop too small comes by itself once it is large enough', () => {
  const tooSmall = (minutes: number) => ended('FAILED', minutes, 'CATALOG_TOO_SMALL');
  expect(due({ serving: true, products: 19, last: tooSmall(600) })).toBeNull();
  expect(due({ serving: true, products: 20, last: tooSmall(0.5) })).toBeNull();
  expect(due({ serving: true, products: 20, last: tooSmall(2) })).toBe('RETRAIN');
});

test('a first training that was cancelled, or failed, comes again, though not under the eyes of who cancelled it', () => {
  for (const state of ['CANCELLED', 'FAILED'] as const) {
    expect(due({ serving: true, last: ended(state, 59) })).toBeNull();
    expect(due({ serving: true, last: ended(state, 61) })).toBe('RETRAIN');
  }
});

test('a shop without any model tries again every minute', () => {
  expect(due({ last: ended('FAILED', 0.9) })).toBeNull();
  expect(due({ last: ended('FAILED', 1.1) })).toBe('BOOTSTRAP');
});

test('a first model that the gates refused comes again after ever longer pauses, and soon when something is another', () => {
  const refused = (count: number, minutes: number, changed = false) =>
    due({ last: { state: 'SUCCEEDED', error: null, updatedAt: minutesAgo(minutes) }, refused: count, changed });
  for (const [count, minutes] of [
    [1, 1],
    [2, 2],
    [3, 4],
    [7, 64],
    [10, 360],
    [1000, 360],
  ] as const) {
    expect([refused(count, minutes - 0.1), refused(count, minutes + 0.1)]).toEqual([null, 'BOOTSTRAP']);
    expect([refused(count, 0.9, true), refused(count, 1.1, true)]).toEqual([null, 'BOOTSTRAP']);
  }
});
