import { expect, test } from 'vitest';
import type { AuditedList } from '../../../../src/db/recall-audits.ts';
import type { Found } from '../../../../src/db/search/repository.ts';
import { VersionGone } from '../../../../src/db/sql/version-gone.ts';
import { startDeadline, timeLeft, within } from '../../../../src/deadline.ts';
import { SimiliError } from '../../../../src/errors.ts';
import { audited } from '../../../../src/similarity/audited-search.ts';
import { openRecallAudit, openTurn } from '../../../../src/similarity/recall-audit.ts';
import { fakeLog } from '../../../support/api.ts';

const version = { number: 7, spaces: [] };
/** Neighbours by id and distance. */
const list = (...ids: (readonly [string, number])[]): Found => ({
  anchor: 'ranked',
  neighbours: ids.map(([productId, l2]) => ({ productId, l2, distance: l2, product: {} as never })),
});
const numbered = (from: number, to: number) =>
  list(...Array.from({ length: to - from }, (_, i) => [`p${from + i}`, from + i] as const));

/** Sums are of the version, over a day. */
function check(number: number, hours: number): object {
  expect([number, hours]).toEqual([7, 24]);
  return {};
}

/** A search that answers `live`, and `exact` past the index; audits kept in memory. */
function world({ share = 1, alarmBelow = 0.95, live = numbered(0, 13), exact = numbered(0, 13) } = {}) {
  const kept: AuditedList[] = [];
  const late: number[] = [];
  const asked: string[] = [];
  const told: Record<string, unknown>[] = [];
  const { log, entries: logged } = fakeLog();
  const state = { now: 0, exact: async () => exact };
  const sum = (of: (one: AuditedList) => number) => kept.reduce((total, one) => total + of(one), 0);
  const audits = {
    add: async (_version: number, one: AuditedList) => void kept.push(one),
    addLate: async (number: number) => void late.push(number),
    sums: async (number: number, hours: number) => ({
      ...check(number, hours),
      lists: kept.length,
      wanted: sum(({ wanted }) => wanted),
      found: sum(({ found }) => found),
      wantedSq: sum(({ wanted }) => wanted ** 2),
      products: sum(({ wanted, found }) => wanted * found),
      foundSq: sum(({ found }) => found ** 2),
      late: late.length,
    }),
  };
  const telemetry = {
    span: <T>(_name: string, _facts: object, work: (span: never) => Promise<T>) => work({ set() {} } as never),
    count: (name: string, by: number, facts: object) => void told.push({ name, by, ...facts }),
  };
  const turn = openTurn();
  const settings = { share, alarmBelow, audits, telemetry, log, catalog: 'default' };
  const audit = openRecallAudit({ ...settings, clock: () => state.now }, turn);
  const search = audited(
    {
      nearestOfEach: async (_version, ids, _filter, _limit, _behind, how) => {
        asked.push(`${how?.way ?? 'index'} ${ids}`);
        return how?.way ? [await state.exact()] : ids.map(() => live);
      },
      nearestOfAll: async (_version, ids, _filter, _limit, _behind, how) => {
        asked.push(`${how?.way ?? 'index'} all of ${ids}`);
        return how?.way ? state.exact() : live;
      },
      nearestToVector: async (_version, vector, _filter, _limit, _behind, how) => {
        asked.push(`${how?.way ?? 'index'} ${vector}`);
        return how?.way ? state.exact() : live;
      },
    },
    audit,
  );
  const ask = (limit = 13) => search.nearestOfEach(version, ['a'], {}, limit);
  /** Asks so many lists, each once the pause after the one before is over. */
  const askMany = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await ask();
      await audit.settled();
      state.now += 1e4;
    }
  };
  return { audit, search, ask, askMany, turn, kept, asked, late, told, logged, state };
}

test('the answer is there before its list is asked again, with the same anchors; a share of none asks nothing', async () => {
  const { ask, search, audit, asked, kept, state } = world();
  await ask();
  expect(asked).toEqual(['index a']);
  await audit.settled();
  expect(asked).toEqual(['index a', 'exact a']);
  state.now += 1e6;
  await search.nearestOfAll(version, ['b', 'c'], {}, 13);
  await audit.settled();
  expect(asked.slice(2)).toEqual(['index all of b,c', 'exact all of b,c']);
  state.now += 1e6;
  await search.nearestToVector(version, Float32Array.of(0, 1), {}, 13);
  await audit.settled();
  expect(asked.slice(4)).toEqual(['index 0,1', 'exact 0,1']);
  expect(kept).toEqual([
    { wanted: 10, found: 10 },
    { wanted: 10, found: 10 },
    { wanted: 10, found: 10 },
  ]);
  const none = world({ share: 0 });
  await none.askMany(20);
  expect(none.kept).toEqual([]);
});

test('pages behind the first, and anchors that are not ranked, are not asked again', async () => {
  const { search, audit, asked } = world();
  await search.nearestOfEach(version, ['a'], {}, 13, { productId: 'x', l2: 1 });
  await audit.settled();
  const cold = world({ live: { anchor: 'cold', neighbours: [] } });
  await cold.ask();
  await cold.audit.settled();
  expect([asked, cold.asked]).toEqual([['index a'], ['index a']]);
});

test('ten are compared, of a shorter list all; a product at the distance of the last may stand in for it', async () => {
  const missing = world({ live: numbered(1, 14) }); // lacks p0, the nearest
  await missing.askMany(1);
  expect(missing.kept).toEqual([{ wanted: 10, found: 9 }]);
  const beyond = world({
    live: list(...numbered(0, 10).neighbours.map(({ productId, l2 }) => [productId, l2] as const), ['far', 99]),
  });
  await beyond.askMany(1);
  expect(beyond.kept).toEqual([{ wanted: 10, found: 10 }]);
  const short = world({ live: list(['p0', 0], ['far', 9]), exact: list(['p0', 0], ['p1', 1]) });
  await short.ask(2);
  await short.audit.settled();
  expect(short.kept).toEqual([{ wanted: 2, found: 1 }]);
  const tied = world({ live: list(['p0', 0], ['twin', 1]), exact: list(['p0', 0], ['p1', 1]) });
  await tied.ask(2);
  await tied.audit.settled();
  expect(tied.kept).toEqual([{ wanted: 2, found: 2 }]);
});

test('one at a time, none while eight searches are under way, and a pause of 20 times as long as it took', async () => {
  const { ask, audit, asked, turn, state } = world();
  const exact = () => asked.filter((one) => one.startsWith('exact')).length;
  await Promise.all([ask(), ask(), ask()]);
  await audit.settled();
  expect(exact()).toBe(1);
  state.exact = async () => {
    state.now += 7;
    return numbered(0, 13);
  };
  await ask();
  await audit.settled();
  expect(exact()).toBe(2);
  state.now += 139;
  await ask();
  await audit.settled();
  expect(exact()).toBe(2);
  state.now += 1;
  turn.underWay = 8;
  await ask();
  await audit.settled();
  expect(exact()).toBe(2);
  turn.underWay = 7;
  await ask();
  await audit.settled();
  expect(exact()).toBe(3);
  expect(turn.underWay).toBe(7);
});

test('it has ten seconds of its own, whatever is left of the request; what is cut off then is told as late, beside the figure', async () => {
  const { search, audit, told, state, kept, late } = world();
  let left = 0;
  state.exact = async () => {
    left = timeLeft()!.ms;
    throw new SimiliError('DEADLINE_EXCEEDED', { seconds: 10 });
  };
  const request = startDeadline({ statementMs: 50, requestMs: 50 });
  await within(request, () => search.nearestOfEach(version, ['a'], {}, 13));
  await audit.settled();
  expect(left).toBeGreaterThan(9_000);
  expect(left).toBeLessThanOrEqual(10_000);
  expect([told, kept, late]).toEqual([
    [{ name: 'simili.audits', by: 1, catalog: 'default', outcome: 'late', alarm: false }],
    [],
    [7],
  ]);
  expect(await audit.recall(7)).toEqual({ lists: 0, late: 1, figure: null, alarm: false });
});

test('what fails is told and hurts nobody; a version that is gone is nothing to tell', async () => {
  const { ask, audit, told, logged, state } = world();
  state.exact = () => Promise.reject(new Error('broken'));
  await ask();
  await audit.settled();
  expect(told.map(({ outcome }) => outcome)).toEqual(['failed']);
  expect(logged).toHaveLength(1);
  state.now += 1e6;
  state.exact = () => Promise.reject(new VersionGone(null));
  await ask();
  await audit.settled();
  expect([told.length, logged.length]).toEqual([1, 1]);
});

test('an alarm is an interval all of which lies under the bound: it is told, and logged once', async () => {
  const { askMany, audit, told, logged, state } = world({ live: numbered(2, 15) }); // eight of ten
  const eight = state.exact;
  /** Asks lists by pairs: one has eight of its nearest, the other all ten. */
  const askPairs = async (pairs: number) => {
    for (let i = 0; i < pairs; i++) {
      state.exact = eight;
      await askMany(1);
      state.exact = async () => numbered(2, 15);
      await askMany(1);
    }
  };
  await askPairs(1);
  // Wilson of .9 in 9 trials: (0.9 + 3.8415/18 + 1.96 √(0.09/9 + 3.8415/324)) / (1 + 3.8415/9)
  const figure = { rate: 0.9, low: expect.any(Number), high: expect.closeTo(0.9834, 4) };
  expect(await audit.recall(7)).toEqual({ lists: 2, late: 0, figure, alarm: false });
  await askPairs(99);
  // 200 lists that are one off: a variance of 200/199 · 200 / 2000² is that of 1,791 trials.
  expect(await audit.recall(7)).toMatchObject({ lists: 200, figure: { high: expect.closeTo(0.913, 4) }, alarm: true });
  expect(logged.map(({ facts }) => facts)).toEqual([expect.objectContaining({ catalog: 'default' })]);
  expect(told.filter(({ name }) => name === 'simili.audits').at(-1)).toMatchObject({
    outcome: 'compared',
    alarm: true,
  });
  const neighbours = told.filter(({ name }) => name === 'simili.audited_neighbours');
  const counted = (own: string) =>
    neighbours.reduce((sum, { outcome, by }) => sum + (outcome === own ? Number(by) : 0), 0);
  expect([counted('found'), counted('missed')]).toEqual([1800, 200]);
  const well = world();
  await well.askMany(50);
  expect(await well.audit.recall(7)).toMatchObject({ figure: { rate: 1, high: expect.closeTo(1, 9) }, alarm: false });
  expect((await world().audit.recall(7)).figure).toBeNull();
});
