import { expect, test } from 'vitest';
import { despiteDeadlock, refusalOf, sqlStateOf } from '../../../../../src/db/sql/sql-state.ts';

const packed = (originalCode: string) => ({ code: 'P2010', meta: { driverAdapterError: { cause: { originalCode } } } });

test('the state is what the driver said, whoever packed it', () => {
  expect(sqlStateOf({ code: '42P01' })).toBe('42P01');
  expect(sqlStateOf(packed('42P01'))).toBe('42P01');
  expect([sqlStateOf(new Error('x')), sqlStateOf(null), sqlStateOf({ code: 7 })]).toEqual(Array(3).fill(undefined));
});

test('a commit that was ended for a deadlock is begun three times at most, any other once', async () => {
  const failing = (errors: object[]) => {
    let tries = 0;
    const commit = async () => {
      const error = errors[tries++];
      if (error) throw error;
      return tries;
    };
    return { commit, tries: () => tries };
  };
  expect(await despiteDeadlock(failing([packed('40P01'), { code: 'P2034' }]).commit)).toBe(3);
  const often = failing(Array(3).fill(packed('40P01')));
  await expect(despiteDeadlock(often.commit)).rejects.toEqual(packed('40P01'));
  expect(often.tries()).toBe(3);
  const other = failing([packed('23505')]);
  await expect(despiteDeadlock(other.commit)).rejects.toEqual(packed('23505'));
  expect(other.tries()).toBe(1);
});

test('a value that no column or index takes is refused; nothing else is', () => {
  expect(refusalOf(packed('54000'))).toContain('54000');
  expect(refusalOf({ code: '22P05' })).toContain('22P05');
  expect([refusalOf(packed('23503')), refusalOf({ code: '57P01' }), refusalOf(new Error('x'))]).toEqual(
    Array(3).fill(null),
  );
});
