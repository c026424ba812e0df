import { type Deadline, type Patience, startDeadline, within } from '../deadline.ts';
import { keptIn } from '../kept-in.ts';

type Resolve = (...args: unknown[]) => unknown;
type Info = { operation?: { operation: string } };
/** Our own HTTP server's context holds it, and so may a host's. */
type Context = { readonly clientLeft?: unknown };

/** Resolvers that hand their deadline on. */
const handingOn = new WeakSet<object>();

/**
 * A resolver that is given its deadline (null: it has none), and sees to it that all that it asks is asked under it: what it awaits is not followed, which
 * is dear (src/deadline.ts).
 */
export function handsOn<Args extends unknown[], Answer>(
  resolve: (...args: [...Args, Deadline | null]) => Answer,
): (...args: Args) => Answer {
  handingOn.add(resolve);
  return resolve as (...args: unknown[]) => Answer;
}

/** A resolver of so many parameters takes no context, so it has nothing to ask by. */
const asksNobody = ({ length }: Resolve): boolean => length === 1 || length === 2;

/**
 * The same resolvers under one deadline for each request: all fields of an answer share it, by its context object. Done
 * here, it holds in a host's server too. Where the context holds an AbortSignal as `clientLeft`, a query's deadline ends with
 * it. A mutation's does not: what it has begun is committed or refused as if its client had stayed, as a page that is left
 * sends its last clicks. A subscription lives as long as its client likes.
 */
export function timed<Tree>(tree: Tree, patience: Patience): Tree {
  const deadlines = keptIn<object, Deadline>();
  const deadlineOf = (context: unknown, operation: 'query' | 'mutation'): Deadline => {
    if (typeof context !== 'object' || context === null) return startDeadline(patience);
    const begun = deadlines.get(context);
    if (begun) return begun; // each field of each product asks
    const { clientLeft } = context as Context;
    const watched = operation === 'query' && clientLeft instanceof AbortSignal ? clientLeft : null;
    const deadline = startDeadline(patience, watched);
    deadlines.set(context, deadline);
    return deadline;
  };
  const timedResolver = (resolve: Resolve): Resolve => {
    const handsItOn = handingOn.has(resolve);
    return (...args) => {
      // `info` comes last and the context before it, of a field's resolver and of a reference's alike.
      const operation = (args.at(-1) as Info | undefined)?.operation?.operation;
      const isTimed = operation === 'query' || operation === 'mutation';
      const deadline = isTimed ? deadlineOf(args.at(-2), operation) : null;
      if (handsItOn) return resolve(args[0], args[1], args[2], args[3], deadline);
      return within(deadline, () => resolve(...args));
    };
  };
  const fieldOf = (field: unknown): unknown =>
    typeof field === 'function' && asksNobody(field as Resolve) ? field : walk(field);
  const walk = (branch: unknown): unknown => {
    if (typeof branch === 'function') return timedResolver(branch as Resolve);
    if (!isPlainObject(branch)) return branch;
    return Object.fromEntries(Object.entries(branch).map(([name, inner]) => [name, fieldOf(inner)]));
  };
  return walk(tree) as Tree;
}

/** Not a scalar, which is an instance of a class. */
export const isPlainObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
