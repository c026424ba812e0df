import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const { Impression } = await import(new URL('../../../client/impression.ts', import.meta.url).href);

/** Elements are words here: the fake page says of each how much of it is in the window. */
class FakeObserver {
  static all: FakeObserver[] = [];
  readonly watched = new Set<string>();
  constructor(
    private readonly tell: (entries: { target: string; intersectionRatio: number }[]) => void,
    readonly options: { threshold: number },
  ) {
    FakeObserver.all.push(this);
  }
  observe(target: string) {
    this.watched.add(target);
  }
  unobserve(target: string) {
    this.watched.delete(target);
  }
  scroll(shares: Record<string, number>) {
    this.tell(Object.entries(shares).map(([target, intersectionRatio]) => ({ target, intersectionRatio })));
  }
}

let page: { hidden: boolean; addEventListener(name: string, heard: () => void): void; removeEventListener(): void };
let onVisibility: () => void;
let told: string[][];
let watching: boolean[];
const impressionOf = (total: number) =>
  new Impression(
    total,
    (itemIds: string[]) => told.push(itemIds),
    (is: boolean) => watching.push(is),
  );
const observer = () => FakeObserver.all.at(-1) as FakeObserver;

beforeEach(() => {
  vi.useFakeTimers();
  [told, watching, FakeObserver.all] = [[], [], []];
  onVisibility = () => {};
  page = {
    hidden: false,
    addEventListener: (_, heard) => {
      onVisibility = heard;
    },
    removeEventListener: () => {
      onVisibility = () => {};
    },
  };
  vi.stubGlobal('IntersectionObserver', FakeObserver);
  vi.stubGlobal('document', page);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('seen is half of an element for a second without a break; told once all were, each once', () => {
  const impression = impressionOf(2);
  for (const id of ['a', 'b']) impression.add(id, id);
  expect(observer().options.threshold).toBe(0.5);
  observer().scroll({ a: 0.5, b: 0.49 });
  vi.advanceTimersByTime(999);
  observer().scroll({ a: 0.2 });
  vi.advanceTimersByTime(5000);
  impression.report();
  expect(told).toEqual([]); // a was gone a millisecond too early, b never half there
  observer().scroll({ a: 1, b: 1 });
  vi.advanceTimersByTime(1000);
  expect(told).toEqual([['a', 'b']]);
  impression.end();
  expect(told).toHaveLength(1);
});

test('a list without products ends, too', () => {
  const impression = impressionOf(0);
  impression.end();
  expect([watching, told]).toEqual([[false], []]);
});

test('a tab in the background is not looked at', () => {
  const impression = impressionOf(2);
  impression.add('a', 'a');
  observer().scroll({ a: 1 });
  vi.advanceTimersByTime(600);
  page.hidden = true;
  onVisibility();
  vi.advanceTimersByTime(5000);
  page.hidden = false;
  onVisibility();
  vi.advanceTimersByTime(900);
  impression.report();
  expect(told).toEqual([]);
  vi.advanceTimersByTime(100);
  impression.report();
  expect(told).toEqual([['a']]);
});

test('what is seen later is told later, what was acted upon was seen, and the last element that goes ends it', () => {
  const impression = impressionOf(3);
  const ends = ['a', 'b', 'c'].map((id) => impression.add(id, id));
  observer().scroll({ a: 1 });
  vi.advanceTimersByTime(1000);
  impression.report();
  impression.actedOn('c');
  impression.report();
  expect(told).toEqual([['a'], ['c']]);
  observer().scroll({ b: 1 });
  vi.advanceTimersByTime(1000);
  expect(told).toEqual([['a'], ['c'], ['b']]);
  for (const end of ends) end();
  expect(watching).toEqual([true, false]);
  expect(observer().watched.size).toBe(0);
  impression.add('a', 'a'); // shown again
  observer().scroll({ a: 1 });
  vi.advanceTimersByTime(1000);
  impression.end();
  expect(told).toHaveLength(3);
});
