import { expect, test } from 'vitest';
import type { FilterExtension } from '../../../../src/ports/filter-extension.ts';
import { noTelemetry } from '../../../../src/ports/telemetry.ts';
import { isChosenByShopper } from '../../../../src/similarity/filter.ts';
import { ownConditions } from '../../../../src/similarity/own-filters.ts';

const brand: FilterExtension = {
  name: 'brand',
  condition(values) {
    if (values === null) return null;
    if (values.length === 0) throw new RangeError('needs a brand');
    return { column: 'tags', overlaps: values };
  },
};
const always: FilterExtension = { name: 'always', condition: () => ({ column: 'available', is: true }) };
const broken = (condition: () => unknown): FilterExtension => ({ name: 'broken', condition: condition as never });

/** Conditions that these filters ask for, and what was logged. */
function asked(filters: readonly FilterExtension[], given?: { name: string; values: string[] }[]) {
  const logged: unknown[] = [];
  const log = { error: (facts: unknown) => void logged.push(facts) };
  return { logged, conditions: () => ownConditions({ filters, log: log as never, telemetry: noTelemetry }, given) };
}

test('a rule of the shop always holds, a filter by name where the storefront gives values', () => {
  expect(asked([brand, always]).conditions()).toEqual([{ column: 'available', is: true }]);
  expect(asked([brand, always], [{ name: 'brand', values: ['acme'] }]).conditions()).toEqual([
    { column: 'tags', overlaps: ['acme'] },
    { column: 'available', is: true },
  ]);
});

test.each([
  ['filter.own', [{ name: 'colour', values: [] }], 'knows no filter "colour"'],
  ['filter.own.brand', [{ name: 'brand', values: [] }], 'needs a brand'],
  [
    'filter.own.brand',
    [
      { name: 'brand', values: ['a'] },
      { name: 'brand', values: ['b'] },
    ],
    'is there twice',
  ],
])('%s is refused when it makes no sense', (argument, given, why) => {
  const { conditions, logged } = asked([brand], given);
  expect(conditions).toThrow(
    expect.objectContaining({
      code: 'INVALID_ARGUMENT',
      facts: expect.objectContaining({ argument, why: expect.stringContaining(why) }),
    }),
  );
  expect(logged).toEqual([]);
});

test.each([
  ['throws', () => ({}) as { x: { y: string } }, 'no'],
  ['gives SQL', () => 'TRUE OR 1 = 1', 'its condition is no object'],
  ['names no column of the catalog', () => ({ column: 'fingerprint', in: ['x'] }), 'its condition names no column'],
])('one that %s is EXTENSION_FAILED: the reason is for the log, not for the storefront', (name, give, why) => {
  const { conditions, logged } = asked([
    broken(() => {
      if (name === 'throws') throw new Error('no such table of brands');
      return give();
    }),
  ]);
  expect(conditions).toThrow(
    expect.objectContaining({
      code: 'EXTENSION_FAILED',
      message: "The shop's own filter broken failed; the log says why",
    }),
  );
  expect(logged).toMatchObject([{ filter: 'broken', err: { message: expect.stringContaining(why) } }]);
});

test('a list under a rule of the shop alone was not chosen by the shopper, under values that somebody gave it was', () => {
  const own = [{ column: 'available', is: true } as const];
  expect(isChosenByShopper({ own }, {})).toBe(false);
  expect(isChosenByShopper({ own }, { own: [{ name: 'brand', values: ['acme'] }] })).toBe(true);
  expect(isChosenByShopper({ available: false }, {})).toBe(true);
  expect(isChosenByShopper({ available: true }, null)).toBe(false);
});
