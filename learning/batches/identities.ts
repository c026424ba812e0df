import type { Random } from '../numbers/random.ts';
import { makePasses, type PassesState } from '../sampling/passes.ts';
import { uint32 } from '../sampling/source-state.ts';

/** One identity's place in a batch. */
export type Slot = {
  readonly item: number;
  /** Rows of slots with one group are changed alike. */
  readonly group: number;
  /** The item in another slot that came along with this one, or that this one came along with. */
  readonly partner: { readonly item: number; readonly weight: number } | null;
};

export type Identities = {
  /** The identities of one batch. */
  draw(slots: number): Slot[];
  state(): IdentitiesState;
  restore(state: IdentitiesState): void;
  counts(): Counts;
};

/**
 * `identities`: drawn in turn; `related`: came along; `kin`: of the category of one that was drawn; `repeated`: took a further
 * slot, as there were too few items.
 */
type Counts = {
  readonly identities: number;
  readonly related: number;
  readonly kin: number;
  readonly repeated: number;
};
export type IdentitiesState = Counts & { readonly passes: PassesState; readonly waiting: readonly number[] };

/** Draws an item that goes with another one and is not taken. */
type DrawRelated = (
  item: number,
  taken: ReadonlySet<number>,
  random: Random,
) => { readonly item: number; readonly weight: number } | null;

/** Others of an item's category that are not taken, that come with it. */
type DrawKin = (item: number, taken: ReadonlySet<number>, random: Random) => readonly number[];

/** Training items in passes. An item whose turn comes while it is in the batch already waits for the next one. */
export function makeIdentities(
  items: Int32Array,
  random: Random,
  drawRelated: DrawRelated,
  drawKin: DrawKin = () => [],
): Identities {
  const passes = makePasses(items.length, uint32(random));
  let waiting: number[] = [];
  let counts = { identities: 0, related: 0, kin: 0, repeated: 0 };

  const nextFree = (taken: ReadonlySet<number>): number => {
    const first = waiting.findIndex((item) => !taken.has(item));
    if (first >= 0) return waiting.splice(first, 1)[0]!;
    for (;;) {
      const item = items[passes.next()]!;
      if (!taken.has(item)) return item;
      waiting.push(item);
    }
  };

  const drawInto = (slots: Slot[], taken: Set<number>, wanted: number): void => {
    const item = nextFree(taken);
    taken.add(item);
    const group = slots.length;
    counts.identities++;
    const related = slots.length + 1 < wanted ? drawRelated(item, taken, random) : null;
    slots.push({ item, group, partner: related });
    if (related) {
      taken.add(related.item);
      counts.related++;
      slots.push({ item: related.item, group, partner: { item, weight: related.weight } });
    }
    for (const kin of drawKin(item, taken, random)) {
      if (slots.length === wanted) return;
      taken.add(kin);
      counts.kin++;
      slots.push({ item: kin, group: slots.length, partner: null });
    }
  };

  return {
    draw: (wanted) => {
      const slots: Slot[] = [];
      const taken = new Set<number>();
      // All are in every batch: nobody waits, or those who came along last time would always be the first.
      if (items.length <= wanted) waiting = [];
      while (slots.length < wanted && taken.size < items.length) drawInto(slots, taken, wanted);
      // All items are in: they take the places that are left in the order in which they came.
      for (let at = 0; slots.length < wanted; at++, counts.repeated++) slots.push(slots[at]!);
      return slots;
    },
    state: () => ({ ...counts, passes: passes.state(), waiting: [...waiting] }),
    restore: (state) => {
      passes.restore(state.passes);
      waiting = [...state.waiting];
      counts = { identities: state.identities, related: state.related, kin: state.kin, repeated: state.repeated };
    },
    counts: () => ({ ...counts }),
  };
}
