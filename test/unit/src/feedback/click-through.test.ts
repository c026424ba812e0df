import { expect, test } from 'vitest';
import type { ClickCells, ClickSpan } from '../../../../src/db/click-through.ts';
import { clickThrough } from '../../../../src/feedback/click-through.ts';

const now = () => new Date('2026-03-10T15:00:00Z');
const cell = (modelId: string, position: number, lastDay = '2026-03-01', placement = 'default'): ClickCells => ({
  modelId,
  placement,
  position,
  lastDay,
  suppressed: 1,
  visitors: 20,
  impressions: 40,
  choices: 4,
  impressionsSq: 80,
  products: 8,
  choicesSq: 4,
});
async function ask(request: Partial<Parameters<typeof clickThrough>[1]>, cells: ClickCells[] = []) {
  const asked: ClickSpan[] = [];
  const stored = {
    async days(span: ClickSpan) {
      asked.push(span);
      return { counted: 3, pending: 2 };
    },
    cells: async () => cells,
  };
  const answer = await clickThrough(
    { clickThrough: stored, now },
    { days: 28, until: null, modelVersionId: null, ...request },
  );
  return { ...answer, asked };
}

test('a span is whole days of UTC up to that of its last moment, today by default', async () => {
  expect(await ask({ days: 2, modelVersionId: 'm' })).toMatchObject({
    since: new Date('2026-03-09T00:00:00Z'),
    until: new Date('2026-03-11T00:00:00Z'),
    days: 3,
    daysPending: 2,
    asked: [{ first: '2026-03-09', last: '2026-03-10', modelId: 'm' }],
  });
  const { asked } = await ask({ days: 400, until: new Date('2026-01-31T00:00:00Z') });
  expect(asked).toEqual([{ first: '2024-12-28', last: '2026-01-31', modelId: null }]);
  for (const days of [0, 401, 1.5]) await expect(ask({ days })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('places of all versions are summed up to the fiftieth, and versions stand with the latest first, a hundred at most', async () => {
  const places = await ask({}, [cell('a', 50), cell('a', 51), cell('b', 50), cell('b', 0)]);
  expect(places.places).toEqual([
    {
      place: 50,
      rate: expect.objectContaining({ visitors: 40, impressions: 80, choices: 8, rate: 0.1 }),
      suppressedCells: 2,
    },
  ]);
  const days = Array.from({ length: 101 }, (_, i) => new Date(i * 86_400_000).toISOString().slice(0, 10));
  const { versions } = await ask({}, [...days.map((day, i) => cell(`m${i}`, 1, day)), cell('m7', 0, days[7])]);
  expect(versions).toHaveLength(100);
  expect(versions[0]).toEqual({ modelVersionId: 'm100', rate: null, suppressedCells: 1 });
  expect(versions.at(-1)!.modelVersionId).toBe('m1');
  expect(versions.find(({ rate }) => rate)).toMatchObject({ modelVersionId: 'm7', rate: { impressions: 40 } });
});

test('placements are told by their rows of all places, the one of most visitors first, 21 at most', async () => {
  const day = '2026-03-01';
  const { placements, versions } = await ask({}, [
    cell('m', 0, day, 'cart'),
    cell('m', 1, day, 'cart'),
    ...[0, 1, 2].flatMap((place) => [cell('m', place, day, 'page'), cell('n', place, day, 'page')]),
    ...Array.from({ length: 25 }, (_, i) => ({ ...cell('n', 1, day, `other-${i + 10}`), visitors: 0, impressions: 0 })),
  ]);
  const [page, cart, other] = placements;
  expect(page).toMatchObject({ placement: 'page', rate: { visitors: 40, impressions: 80 }, suppressedCells: 4 });
  expect(cart).toMatchObject({ placement: 'cart', rate: { visitors: 20 }, suppressedCells: 1 });
  expect(other).toEqual({ placement: 'other-10', rate: null, suppressedCells: 1 });
  expect(placements).toHaveLength(21);
  expect(versions.map(({ modelVersionId, rate }) => [modelVersionId, rate?.visitors])).toEqual([
    ['m', 40],
    ['n', 20],
  ]);
});
