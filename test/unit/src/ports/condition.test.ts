import { expect, test } from 'vitest';
import { conditionSql } from '../../../../src/db/search/condition-sql.ts';
import { type Condition, problemOfCondition } from '../../../../src/ports/condition.ts';

test.each<[unknown, string]>([
  ['q.available', 'is no object'],
  [{ column: 'fingerprint', in: ['x'] }, 'names no column: available, price'],
  [{ column: 'toString', in: ['x'] }, 'names no column'],
  [{ column: 'available', is: 'true' }, 'needs `is`: true or false'],
  [{ column: 'price' }, 'needs `atLeast` or `atMost`'],
  [{ column: 'price', atMost: '1e3' }, 'text like "19.90"'],
  [{ attribute: 'size' }, 'needs `atLeast` or `atMost`'],
  [{ attribute: 'size', atLeast: '1,5' }, 'text like "19.90"'],
  [{ attribute: 'a:b', atLeast: '1' }, 'needs `attribute`: a name without a colon'],
  [{ attribute: '', atLeast: '1' }, 'needs `attribute`'],
  [{ attribute: 7, atLeast: '1' }, 'needs `attribute`'],
  [{ attribute: '\0', atLeast: '1' }, 'needs `attribute`'],
  [{ column: 'tags', overlaps: 'sale' }, 'needs `overlaps`: a list'],
  [{ column: 'id', in: Array(1001).fill('x') }, 'a list of at most 1000 texts'],
  [{ column: 'title', in: ['\0'] }, 'without U+0000'],
  [{ column: 'title', in: ['mug \ud83d'] }, 'halves of surrogate pairs'],
  [{ any: [{ column: 'available', is: true }, { not: {} }] }, 'names no column'],
  [{ not: { not: { not: { not: { not: { not: { column: 'available', is: true } } } } } } }, 'deeper than 5 levels'],
])('%j is no condition', (given, why) => {
  expect(problemOfCondition(given)).toContain(why);
});

test('a column that is none of ours becomes no SQL, also where nobody has checked the condition', () => {
  const stranger = { column: '1 = 1 OR q.id', in: ['x'] } as unknown as Condition;
  expect(() => conditionSql(stranger, () => '$1')).toThrow(RangeError);
});
