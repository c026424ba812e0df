import { expect, test } from 'vitest';
import { type FeedbackOp, feedbackAnomalies } from '../../../../bench/history/feedback.ts';
import { firstWrongAnswer, type PointerOp } from '../../../../bench/history/pointer.ts';

/* A checker of histories that accepts everything would prove nothing. */

const promote = (called: number, answered: number, id: string, { parent = '', promoted = true } = {}): PointerOp => ({
  called,
  answered,
  kind: 'promote',
  id,
  parent: parent || null,
  isGreen: true,
  promoted,
});
const read = (called: number, answered: number, id: string, epoch: number): PointerOp => ({
  called,
  answered,
  kind: 'read',
  seen: { id, epoch },
});
const rollback = (called: number, answered: number, target: string | null, got: string): PointerOp => ({
  called,
  answered,
  kind: 'rollback',
  target,
  got,
});
const retire = (called: number, answered: number, id: string, retired: boolean): PointerOp => ({
  called,
  answered,
  kind: 'retire',
  id,
  retired,
});
const twoServed = [promote(1, 2, 'a'), promote(3, 4, 'b')];

test('answers that overlap may be explained in any order, those that do not only in theirs', () => {
  expect(firstWrongAnswer([...twoServed, read(5, 6, 'b', 2)])).toBeNull();
  const late = read(5, 6, 'a', 1);
  expect(firstWrongAnswer([...twoServed, late])).toBe(late);
  expect(firstWrongAnswer([promote(1, 2, 'a'), promote(3, 6, 'b'), read(4, 5, 'a', 1)])).toBeNull();
  expect(firstWrongAnswer([promote(1, 2, 'a'), promote(3, 6, 'b'), read(4, 5, 'b', 2)])).toBeNull();
  // Once it was seen it cannot be unseen.
  const again = read(7, 8, 'a', 1);
  expect(firstWrongAnswer([promote(1, 2, 'a'), promote(3, 10, 'b'), read(4, 5, 'b', 2), again])).toBe(again);
});

test('a rollback goes to the version before or to a named one that stands by, and to nothing else', () => {
  expect(firstWrongAnswer([...twoServed, rollback(5, 6, null, 'a'), rollback(7, 8, null, 'b')])).toBeNull();
  for (const wrong of [
    rollback(5, 6, null, 'b'),
    rollback(5, 6, 'b', 'b'),
    rollback(5, 6, 'c', 'MODEL_NOT_SERVABLE'),
    rollback(5, 6, null, 'NOTHING_TO_ROLL_BACK_TO'),
  ])
    expect(firstWrongAnswer([...twoServed, wrong])).toBe(wrong);
});

test('what was trained beside a version that was rolled back since does not serve, and what was not does', () => {
  const back = [...twoServed, rollback(5, 6, null, 'a')];
  const [of, beside] = [{ parent: 'b' }, { parent: 'a' }];
  expect(firstWrongAnswer([...back, promote(7, 8, 'c', { ...of, promoted: false })])).toBeNull();
  expect(firstWrongAnswer([...back, promote(7, 8, 'c', beside)])).toBeNull();
  for (const wrong of [promote(7, 8, 'c', of), promote(7, 8, 'c', { ...beside, promoted: false })])
    expect(firstWrongAnswer([...back, wrong])).toBe(wrong);
  // Whoever goes back at the same moment may have been sooner or later.
  const atOnce = [...twoServed, rollback(5, 8, 'a', 'a')];
  for (const promoted of [true, false])
    expect(firstWrongAnswer([...atOnce, promote(6, 7, 'c', { ...of, promoted })])).toBeNull();
});

test('what serves, or what a rollback would take, is never retired', () => {
  const three = [...twoServed, promote(5, 6, 'c')];
  expect(firstWrongAnswer([...three, retire(7, 8, 'a', true), retire(9, 10, 'a', false)])).toBeNull();
  for (const wrong of [retire(7, 8, 'b', true), retire(7, 8, 'c', true), retire(7, 8, 'a', false)])
    expect(firstWrongAnswer([...three, wrong])).toBe(wrong);
});

const submit = (called: number, answered: number, item = 'v.1', accepted = 1): FeedbackOp => ({
  called,
  answered,
  kind: 'submit',
  visitor: 'v',
  items: [item],
  accepted,
});
const erase = (called: number, answered: number, events = 1): FeedbackOp => ({
  called,
  answered,
  kind: 'erase',
  visitors: ['v'],
  events,
});
const derive = (called: number, answered: number, ...items: string[]): FeedbackOp => ({
  called,
  answered,
  kind: 'derive',
  items: new Set(items),
});
const aside = (called: number, answered: number): FeedbackOp => ({
  called,
  answered,
  kind: 'quarantine',
  visitor: 'v',
  id: 'q',
});

test('what was acknowledged and not erased is there once, what was erased is gone', () => {
  expect(feedbackAnomalies([submit(1, 2)], ['v.1'])).toEqual([]);
  expect(feedbackAnomalies([submit(1, 2), submit(3, 4, 'v.1', 0)], ['v.1'])).toEqual([]);
  expect(feedbackAnomalies([submit(1, 2), erase(3, 4)], [])).toEqual([]);
  expect(feedbackAnomalies([submit(1, 4), erase(2, 3, 0)], ['v.1'])).toEqual([]);
  expect(feedbackAnomalies([submit(1, 4), erase(2, 3)], [])).toEqual([]);
  expect(feedbackAnomalies([submit(1, 2)], [])).toHaveLength(2); // lost, and the sum is wrong
  expect(feedbackAnomalies([submit(1, 2)], ['v.1', 'v.1'])).toHaveLength(2);
  expect(feedbackAnomalies([submit(1, 2), erase(3, 4, 0)], ['v.1'])).toEqual(['v.1 was erased and is there']);
  expect(feedbackAnomalies([submit(1, 2), submit(3, 4)], ['v.1'])).toHaveLength(1); // accepted twice
  expect(feedbackAnomalies([], ['v.1'])).toHaveLength(2);
});

test('no derivation holds what was erased before it began, or a visitor who is in quarantine all the while', () => {
  const gone = [submit(1, 2), erase(3, 5)];
  expect(feedbackAnomalies([...gone, derive(4, 6, 'v.1')], [])).toEqual([]);
  expect(feedbackAnomalies([...gone, derive(6, 7, 'v.1')], [])).toEqual([
    'v.1 was erased and is in a later derivation',
  ]);
  const held = [submit(1, 2), aside(3, 4)];
  expect(feedbackAnomalies([...held, derive(5, 6, 'v.1')], ['v.1'])).toHaveLength(1);
  const release: FeedbackOp = { called: 5, answered: 8, kind: 'release', id: 'q' };
  expect(feedbackAnomalies([...held, release, derive(6, 7, 'v.1')], ['v.1'])).toEqual([]);
});
