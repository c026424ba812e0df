import { expect, test } from 'vitest';
import { askPrepared, NO_ROWS } from '../../../../../src/db/sql/ask.ts';

/** A session that answers with what it was asked for, or fails with an SQLSTATE. */
function session(failures: (string | null)[]) {
  const asked: (string | undefined)[] = [];
  const ask = askPrepared(async ({ name, values }) => {
    asked.push(name);
    const code = failures.shift();
    if (code) throw Object.assign(new Error(code), { code });
    return { rows: values };
  });
  return { asked, ask };
}
const STATEMENT = { name: 'one', text: 'SELECT $1', row: NO_ROWS };

test('a statement is asked for by its name', async () => {
  const { asked, ask } = session([]);
  expect(await ask(STATEMENT, [1])).toEqual([1]);
  expect(asked).toEqual(['one']);
});

test.each(['26000', '42P05'])(
  'where a pooler loses what was prepared (%s), the statement is asked for anew, and names are given up',
  async (code) => {
    const { asked, ask } = session([code]);
    expect(await ask(STATEMENT, [1])).toEqual([1]);
    expect(await ask(STATEMENT, [2])).toEqual([2]);
    expect(asked).toEqual(['one', undefined, undefined]);
  },
);

test('any other error is told', async () => {
  const { asked, ask } = session(['57014']);
  await expect(ask(STATEMENT, [1])).rejects.toMatchObject({ code: '57014' });
  expect(asked).toEqual(['one']);
});
