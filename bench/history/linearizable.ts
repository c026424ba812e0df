/** One operation of a history: when it was called and when it was answered, as places in one order of all calls and answers. */
export type Timed = { readonly called: number; readonly answered: number };

/** State that an operation makes of another; null: it cannot have had its answer in this state. */
export type Step<State, Op> = (state: State, op: Op) => State | null;

type Configuration<State, Op> = { state: State; done: ReadonlySet<Op> };

/**
 * Whether the operations could have taken effect one at a time, each at some moment between its call and its answer (Herlihy and Wing, 1990). Calls and
 * answers are gone through in their order, with all states that are possible so far: an operation takes effect at the latest when it is
 * answered (Lowe, Testing for linearizability, 2017).
 * @param keyOf the same text for the same state
 * @returns the first operation whose answer no order explains; null: there is an order
 */
export function firstUnexplained<State, Op extends Timed>(
  ops: readonly Op[],
  { start, step, keyOf }: { start: State; step: Step<State, Op>; keyOf: (state: State) => string },
): Op | null {
  const moments = ops
    .flatMap((op) => [
      { at: op.called, op, isAnswer: false },
      { at: op.answered, op, isAnswer: true },
    ])
    .sort((a, b) => a.at - b.at);
  const pending = new Set<Op>();
  let possible: Configuration<State, Op>[] = [{ state: start, done: new Set() }];
  for (const { op, isAnswer } of moments) {
    if (!isAnswer) {
      pending.add(op);
      continue;
    }
    const numbers = new Map([...pending].map((one, i) => [one, i]));
    const nameOf = ({ state, done }: Configuration<State, Op>) =>
      `${keyOf(state)} ${[...done]
        .map((one) => numbers.get(one))
        .sort()
        .join()}`;
    const seen = new Map(possible.map((one) => [nameOf(one), one]));
    for (const one of seen.values()) {
      if (one.done.has(op)) continue; // the later ones may wait for their own answers
      for (const next of pending) {
        const state = one.done.has(next) ? null : step(one.state, next);
        if (state === null) continue;
        const then = { state, done: new Set([...one.done, next]) };
        const name = nameOf(then);
        if (!seen.has(name)) seen.set(name, then);
      }
    }
    pending.delete(op);
    const without = [...seen.values()]
      .filter(({ done }) => done.has(op))
      .map(({ state, done }) => ({ state, done: new Set([...done].filter((one) => one !== op)) }));
    possible = [...new Map(without.map((one) => [nameOf(one), one])).values()];
    if (possible.length === 0) return op;
  }
  return null;
}
