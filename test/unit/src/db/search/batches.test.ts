import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Batches, MOST_TOGETHER } from '../../../../../src/db/search/batches.ts';
import { type Deadline, startDeadline } from '../../../../../src/deadline.ts';

type Statement = { items: readonly number[]; deadline: Deadline; end(error?: Error): void };

/** Questions whose statements are ended by hand: the answer to n is "a page of n". */
function byHand() {
  const running: Statement[] = [];
  const batches = new Batches<number, string>(
    (items, deadline) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error) => (error ? reject(error) : resolve(items.map((item) => `a page of ${item}`)));
        running.push({ items, deadline, end });
      }),
  );
  const ask = (item: number, { kind = 'twelve', deadline = soon() } = {}) => {
    const answer = batches.ask(kind, item, deadline);
    answer.catch(() => {});
    return answer;
  };
  return { running, ask };
}

const soon = (clientLeft: AbortSignal | null = null, requestMs = 10_000): Deadline =>
  startDeadline({ statementMs: 10_000, requestMs }, clientLeft);

test('what comes in one turn is asked together, a few at most, and each is told its own', async () => {
  const { running, ask } = byHand();
  const answers = [1, 2, 3, 4, 5].map((item) => ask(item));
  expect(running).toEqual([]);
  await turn();
  expect(running.map(({ items }) => items)).toEqual([[1, 2, 3, 4], [5]]);
  for (const { end } of running) end();
  expect(await Promise.all(answers)).toEqual([1, 2, 3, 4, 5].map((item) => `a page of ${item}`));
});

test('whoever comes while three are on their way waits for one of them, in the order of coming; other kinds do not', async () => {
  const { running, ask } = byHand();
  for (const item of [1, 2, 3]) {
    ask(item);
    await turn();
  }
  for (const item of [4, 5, 6, 7, 8]) {
    ask(item);
    await turn();
  }
  ask(9, { kind: 'fifty' });
  await turn();
  expect(running.map(({ items }) => items)).toEqual([[1], [2], [3], [9]]);
  running[1]!.end();
  await turn();
  await turn();
  expect(running.slice(4).map(({ items }) => items)).toEqual([[4, 5, 6, 7]]);
  running[0]!.end();
  await turn();
  await turn();
  expect(running.slice(5).map(({ items }) => items)).toEqual([[8]]);
});

test('one that fails says so to all who were asked with it, and to no other', async () => {
  const { running, ask } = byHand();
  const [one, other] = [ask(1), ask(2)];
  const apart = ask(3, { kind: 'fifty' });
  await turn();
  running[0]!.end(new Error('gone'));
  running[1]!.end();
  await expect(one).rejects.toThrow('gone');
  await expect(other).rejects.toThrow('gone');
  expect(await apart).toBe('a page of 3');
});

test('a statement goes on while one of its askers waits, and ends when all have left', async () => {
  const { running, ask } = byHand();
  const [first, second] = [new AbortController(), new AbortController()];
  const one = ask(1, { deadline: soon(first.signal) });
  const other = ask(2, { deadline: soon(second.signal) });
  await turn();
  const { clientLeft } = running[0]!.deadline;
  first.abort();
  await expect(one).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(clientLeft!.aborted).toBe(false);
  second.abort();
  await expect(other).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(clientLeft!.aborted).toBe(true);
});

test('whoever leaves before his turn is not asked for', async () => {
  const { running, ask } = byHand();
  const leaving = new AbortController();
  const gone = ask(1, { deadline: soon(leaving.signal) });
  ask(2);
  leaving.abort();
  await expect(gone).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  await turn();
  expect(running.map(({ items }) => items)).toEqual([[2]]);
  const late = ask(3, { deadline: soon(leaving.signal) });
  await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  await turn();
  expect(running).toHaveLength(1);
});

test('one that is asked alone has its own deadline, several the longest of theirs; each is told when its own is over', async () => {
  const { running, ask } = byHand();
  const [short, long] = [soon(null, 30), soon()];
  ask(1, { deadline: long, kind: 'fifty' });
  const hasty = ask(2, { deadline: short });
  const patient = ask(3, { deadline: long });
  await turn();
  expect(running[0]!.deadline).toBe(long);
  expect(running[1]!.deadline.endsAt).toBe(long.endsAt);
  await expect(hasty).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  running[1]!.end();
  expect(await patient).toBe('a page of 3');
});

test('in whatever order questions come and end, each is asked once and told its own', async () => {
  const step = fc.oneof(
    fc.record({ ask: fc.constantFrom('twelve', 'fifty') }),
    fc.constant('end' as const),
    fc.constant('turn' as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { running, ask } = byHand();
      const answers: Promise<string>[] = [];
      let ended = 0;
      for (const one of steps) {
        if (one === 'turn') await turn();
        else if (one === 'end') {
          if (ended < running.length) running[ended++]!.end();
        } else answers.push(ask(answers.length, { kind: one.ask }));
      }
      for (let quiet = 0; quiet < 3; quiet++) {
        await turn();
        for (; ended < running.length; ended++, quiet = 0) running[ended]!.end();
      }
      expect(await Promise.all(answers)).toEqual(answers.map((_, item) => `a page of ${item}`));
      expect(running.flatMap(({ items }) => items).toSorted((a, b) => a - b)).toEqual(answers.map((_, item) => item));
      expect(running.every(({ items }) => items.length <= MOST_TOGETHER)).toBe(true);
    }),
    { numRuns: 100 },
  );
});
