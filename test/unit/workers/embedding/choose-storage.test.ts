import { expect, test } from 'vitest';
import { chooseStorage } from '../../../../workers/embedding/choose-storage.ts';

const never = new AbortController().signal;

/** A version and what was done for it. `right`: of the ten nearest of an anchor, those that halves find. */
function version(right: (place: number) => number, products = 20_000, metrics = {}, isServer = true) {
  const done: string[] = [];
  const asked: string[] = [];
  const vectorStorage = {
    isServer,
    sample: async (limit: number) => Array.from({ length: Math.min(limit, products) }, (_, i) => `p${i}`),
    async recallOfHalves(_model: number, id: string, most: number) {
      asked.push(id);
      return { found: right(Number(id.slice(1))), looked: Math.min(most, products - 1) };
    },
    commit: async ({ id }: { id: string }, storage: string, recall: number, index: string) =>
      void done.push(`${id} ${storage} ${recall}${index === 'full' ? '' : ` ${index}`}`),
  };
  const fill = async (ids: readonly string[]) => {
    done.push(`fill ${ids.length}`);
    return ids.length;
  };
  const model = { id: 'mdl', number: 1, dimensions: 2, metrics };
  const choose = (signal = never, index?: 'binary') =>
    chooseStorage({ vectorStorage } as never, model, fill, signal, index);
  return { done, asked, choose };
}

test('two bytes a number where they find 99 in 100 of the ten nearest of fifty products, of ten thousand that are embedded first', async () => {
  const enough = version((place) => (place < 5 ? 9 : 10));
  expect(await enough.choose()).toBe(10_000);
  expect([enough.done, enough.asked.length]).toEqual([['fill 10000', 'mdl HALFVEC 0.99'], 50]);
  const few = version((place) => (place < 6 ? 9 : 10));
  expect(await few.choose()).toBe(10_000);
  expect(few.done).toEqual(['fill 10000', 'mdl VECTOR 0.988']);
});

test('a database that computes with halves in software keeps four bytes a number, and nothing is measured', async () => {
  const embedded = version(() => 10, 100, {}, false);
  expect([await embedded.choose(), embedded.done, embedded.asked]).toEqual([0, [], []]);
});

test('what was chosen stays, and one product has no neighbours to lose', async () => {
  const chosen = version(() => 0, 100, { storage: { recall10: 0.5 } });
  expect([await chosen.choose(), chosen.done]).toEqual([0, []]);
  const single = version(() => 0, 1);
  expect([await single.choose(), single.done]).toEqual([1, ['fill 1', 'mdl HALFVEC 1']]);
});

test('a version keeps what its index will be of', async () => {
  const binary = version(() => 10, 1);
  await binary.choose(never, 'binary');
  expect(binary.done).toEqual(['fill 1', 'mdl HALFVEC 1 binary']);
});

test('a job that is stopped measures no further', async () => {
  const { choose, done, asked } = version(() => 10);
  await expect(choose(AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  expect([done, asked]).toEqual([['fill 10000'], []]);
});
