import { expect, test } from 'vitest';
import { withCents } from '../../../../../src/db/sql/price.ts';

test.each([
  ['0', '0.00'],
  ['12', '12.00'],
  ['12.5', '12.50'],
  ['12.05', '12.05'],
  ['-3.1', '-3.10'],
  ['0.001', '0.001'],
  ['123456789012345678.9', '123456789012345678.90'],
])('%s has at least two digits behind the point, and all that it had: %s', (stored, shown) => {
  expect(withCents(stored)).toBe(shown);
});
