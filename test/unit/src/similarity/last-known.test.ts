import { expect, test } from 'vitest';
import { SimiliError } from '../../../../src/errors.ts';
import type { AnswerView } from '../../../../src/similarity/answer-view.ts';
import { openLastKnown, withLastKnown } from '../../../../src/similarity/last-known.ts';
import type { SimilarItemsPage } from '../../../../src/similarity/similar-items.ts';

const VIEW = {} as AnswerView;
const page = (items: number): SimilarItemsPage =>
  ({ status: 'OK', items: Array.from({ length: items }), modelId: `model of ${items}` }) as SimilarItemsPage;
const AWAY = new SimiliError('DATABASE_UNAVAILABLE', { why: 'test' });

/** `state.error`: what asking fails with. */
function world(items = 1) {
  const state: { error: unknown; now: number; chance: number } = { error: null, now: 1_000_000, chance: 0 };
  const ask = withLastKnown(
    async () => {
      if (state.error) throw state.error;
      return page(items);
    },
    openLastKnown(
      () => state.now,
      () => state.chance,
    ),
    'default',
  );
  return { state, ask };
}

test('while the database is away, the same request gets its last answer for five minutes, marked', async () => {
  const { state, ask } = world();
  expect((await ask({ anchorId: 'a', first: 3 }, VIEW)).stale).toBeUndefined();
  state.error = AWAY;
  state.now += 5 * 60_000 - 1000;
  expect(await ask({ anchorId: 'a', first: 3 }, VIEW)).toMatchObject({ stale: true, modelId: 'model of 1' });
  for (const other of [
    { first: 4 },
    { first: 3, after: 'x' },
    { first: 3, filter: { available: true } },
    { first: 3, placement: 'cart' },
    { first: 3, parts: { pictures: false } },
    { first: 3, parts: { labels: false } },
    { first: 3, distinctPictures: true },
  ])
    await expect(ask({ anchorId: 'a', ...other }, VIEW)).rejects.toBe(AWAY);
  state.now += 2000;
  await expect(ask({ anchorId: 'a', first: 3 }, VIEW)).rejects.toBe(AWAY);
});

test('any other error is told, also where there is a last answer', async () => {
  const { state, ask } = world();
  await ask({ anchorId: 'a' }, VIEW);
  state.error = new Error('a fault of ours');
  await expect(ask({ anchorId: 'a' }, VIEW)).rejects.toBe(state.error);
});

test('what is kept is bounded: the lists asked longest ago go first', async () => {
  const { state, ask } = world(49);
  for (let i = 0; i < 500; i++) await ask({ anchorId: `p${i}` }, VIEW);
  state.error = AWAY;
  await expect(ask({ anchorId: 'p99' }, VIEW)).rejects.toBe(AWAY);
  expect((await ask({ anchorId: 'p100' }, VIEW)).stale).toBe(true); // 400 lists of 49 products and one for the list
});

/** Lists of 49 products and one for the list: so many are kept in half a minute, whatever comes. */
const AT_ONCE = 100;

test('of lists that come too fast one in eight is kept, for half a minute', async () => {
  const { state, ask } = world(49);
  const askAll = async (from: number, to: number) => {
    for (let i = from; i < to; i++) await ask({ anchorId: `p${i}` }, VIEW);
  };
  state.chance = 0.125;
  await askAll(0, AT_ONCE + 10);
  state.chance = 0.124;
  await askAll(200, 201);
  state.chance = 0.125;
  state.now += 30_000;
  await askAll(300, 301);
  state.error = AWAY;
  for (const [i, isKept] of [
    [0, true],
    [AT_ONCE - 1, true],
    [AT_ONCE, false],
    [AT_ONCE + 9, false],
    [200, true],
    [300, true],
  ] as const) {
    const asked = ask({ anchorId: `p${i}` }, VIEW);
    if (isKept) expect((await asked).stale).toBe(true);
    else await expect(asked).rejects.toBe(AWAY);
  }
});

test.each([
  [29_999, false],
  [30_000, true],
])(
  'while lists come too fast, one that is kept is replaced half a minute after it was: %d ms',
  async (later, isNew) => {
    const { state, ask } = world(49);
    await ask({ anchorId: 'a' }, VIEW);
    state.now += later;
    state.chance = 1;
    for (let i = 0; i < AT_ONCE; i++) await ask({ anchorId: `p${i}` }, VIEW);
    await ask({ anchorId: 'a' }, VIEW);
    state.error = AWAY;
    state.now += 5 * 60_000 - later + 1; // what was kept at first is too old by then
    const asked = ask({ anchorId: 'a' }, VIEW);
    if (isNew) expect((await asked).stale).toBe(true);
    else await expect(asked).rejects.toBe(AWAY);
  },
);
