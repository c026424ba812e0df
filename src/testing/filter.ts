import assert from 'node:assert/strict';
import { type Condition, problemOfCondition } from '../ports/condition.ts';
import { checkFilters, type FilterExtension } from '../ports/filter-extension.ts';
import type { Check } from './check.ts';

/** Values that storefronts may send, sensible or not. */
const ANYTHING: readonly (readonly string[])[] = [
  [],
  [''],
  ['x'.repeat(10_000)],
  ['a', 'a'],
  ["'; DROP TABLE product; --", '\u{1f600}'],
];

/**
 * Checks of a filter.
 * @param samples values that it takes, one or more
 */
export function filterContract(filter: FilterExtension, samples: readonly (readonly string[])[]): Check[] {
  const valid = (condition: Condition | null): void =>
    assert.equal(condition === null ? null : problemOfCondition(condition), null);
  return [
    { title: 'is described well: its name', run: async () => checkFilters([filter]) },
    {
      title: 'gives a condition, or none, where nobody asked for it',
      run: async () => valid(filter.condition(null)),
    },
    {
      title: 'gives a condition for values that it takes',
      async run() {
        assert.ok(samples.length > 0, 'no samples');
        for (const values of samples) valid(filter.condition(values));
      },
    },
    {
      title: 'gives a condition for any other values, or a RangeError that says what is wrong',
      async run() {
        for (const values of ANYTHING) {
          try {
            valid(filter.condition(values));
          } catch (error) {
            assert.ok(error instanceof RangeError && error.message.length > 0, String(error));
          }
        }
      },
    },
    {
      title: 'gives the same for the same values, and leaves these as they are',
      async run() {
        for (const values of samples) {
          const frozen = Object.freeze([...values]);
          assert.deepEqual(filter.condition(frozen), filter.condition(frozen));
        }
      },
    },
  ];
}
