import type { Timed } from './linearizable.ts';

/** Some visitors' feedback: what was sent, deleted, set aside, and derived from it. An event by its item, which no other event has. */
export type FeedbackOp = Timed &
  (
    | {
        readonly kind: 'submit';
        readonly visitor: string;
        readonly items: readonly string[];
        readonly accepted: number;
      }
    /** `events`: how many the receipt tells. */
    | { readonly kind: 'erase'; readonly visitors: readonly string[]; readonly events: number }
    | { readonly kind: 'quarantine'; readonly visitor: string; readonly id: string }
    | { readonly kind: 'release'; readonly id: string }
    | { readonly kind: 'derive'; readonly items: ReadonlySet<string> }
  );
type Of<Kind extends FeedbackOp['kind']> = Extract<FeedbackOp, { kind: Kind }>;

const before = (a: Timed, b: Timed): boolean => a.answered < b.called;

/**
 * Tells the faults of the answers and with what is stored at the end: one line each.
 *
 * An event must be there when no erasure of its visitor came after one of its acknowledgements, or beside it; it must be gone when an erasure began after all
 * answers about it. A derivation holds no event that was gone, and none of a visitor who was in quarantine all the while.
 * @param stored items in the database when nothing is on its way any more
 */
export function feedbackAnomalies(ops: readonly FeedbackOp[], stored: readonly string[]): string[] {
  const of = <Kind extends FeedbackOp['kind']>(kind: Kind) => ops.filter((op): op is Of<Kind> => op.kind === kind);
  const erasuresOf = grouped(of('erase').flatMap((op) => op.visitors.map((visitor) => [visitor, op] as const)));
  const submitsOf = grouped(of('submit').flatMap((op) => op.items.map((item) => [item, op] as const)));
  const found: string[] = [];

  const there = new Set(stored);
  if (there.size < stored.length) found.push(`${stored.length - there.size} events are stored twice`);
  for (const [item, submits] of submitsOf) {
    const erasures = erasuresOf.get(submits[0]!.visitor) ?? [];
    const isKept = submits.some((submit) => erasures.every((erasure) => before(erasure, submit)));
    const isGone = erasures.some((erasure) => submits.every((submit) => before(submit, erasure)));
    if (isKept && !there.has(item)) found.push(`${item} was acknowledged and is lost`);
    if (isGone && there.has(item)) found.push(`${item} was erased and is there`);
  }
  for (const item of there) if (!submitsOf.has(item)) found.push(`${item} was never sent`);

  // Whoever says "accepted" has stored it, once; whoever erases says how much there was.
  const accepted = of('submit').reduce((sum, op) => sum + op.accepted, 0);
  const erased = of('erase').reduce((sum, op) => sum + op.events, 0);
  if (accepted !== erased + stored.length)
    found.push(`${accepted} were accepted, but ${erased} were erased and ${stored.length} are stored`);

  for (const derivation of of('derive')) {
    const asides = new Set(
      of('quarantine')
        .filter((quarantine) => holdsThroughout(quarantine, derivation, of('release'), erasuresOf))
        .map(({ visitor }) => visitor),
    );
    for (const item of derivation.items) {
      const submits = (submitsOf.get(item) ?? []).filter((submit) => submit.called < derivation.answered);
      const visitor = submits[0]?.visitor;
      if (visitor === undefined) {
        found.push(`${item} was derived from and never sent`);
        continue;
      }
      const isGone = (erasuresOf.get(visitor) ?? []).some(
        (erasure) => before(erasure, derivation) && submits.every((submit) => before(submit, erasure)),
      );
      if (isGone) found.push(`${item} was erased and is in a later derivation`);
      if (asides.has(visitor)) found.push(`${item} is in a derivation, and its visitor in quarantine`);
    }
  }
  return found;
}

/** An erasure takes a visitor out of quarantine, too. */
function holdsThroughout(
  quarantine: Of<'quarantine'>,
  derivation: Timed,
  releases: readonly Of<'release'>[],
  erasuresOf: ReadonlyMap<string, readonly Timed[]>,
): boolean {
  const ends = [...releases.filter(({ id }) => id === quarantine.id), ...(erasuresOf.get(quarantine.visitor) ?? [])];
  const mayEnd = ends.some((end) => !before(end, quarantine) && end.called < derivation.answered);
  return before(quarantine, derivation) && !mayEnd;
}

function grouped<Key, Value>(pairs: readonly (readonly [Key, Value])[]): Map<Key, Value[]> {
  const found = new Map<Key, Value[]>();
  for (const [key, value] of pairs) {
    const own = found.get(key);
    if (own) own.push(value);
    else found.set(key, [value]);
  }
  return found;
}
