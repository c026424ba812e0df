import { firstUnexplained, type Timed } from './linearizable.ts';

/** A change of the pointer to the version that serves, or a look at it. Versions by their ids. */
export type PointerOp = Timed &
  /** `parent`: the version that served when it was trained. `isGreen`: by all that was measured of it. */
  (
    | {
        readonly kind: 'promote';
        readonly id: string;
        readonly parent: string | null;
        readonly isGreen: boolean;
        readonly promoted: boolean;
      }
    /** `target` null: the version before. `got`: the version that serves since, or the code of the error. */
    | { readonly kind: 'rollback'; readonly target: string | null; readonly got: string }
    | { readonly kind: 'retire'; readonly id: string; readonly retired: boolean }
    | { readonly kind: 'read'; readonly seen: { readonly id: string; readonly epoch: number } | null }
  );

type Pointer = {
  readonly active: string | null;
  readonly previous: string | null;
  /** Promotions and rollbacks so far. */
  readonly epoch: number;
  /** Versions that a job has ended with, in that order. */
  readonly states: Readonly<Record<string, 'ACTIVE' | 'STANDBY' | 'REJECTED' | 'RETIRED'>>;
};

/** The first answer that no order of the operations explains; null: they follow one pointer. */
export const firstWrongAnswer = (ops: readonly PointerOp[]): PointerOp | null =>
  firstUnexplained(ops, {
    start: { active: null, previous: null, epoch: 0, states: {} } as Pointer,
    step: (pointer, op) => steps[op.kind](pointer, op as never),
    keyOf: (pointer) => JSON.stringify(pointer),
  });

type Of<Kind extends PointerOp['kind']> = Extract<PointerOp, { kind: Kind }>;
const steps: { [Kind in PointerOp['kind']]: (pointer: Pointer, op: Of<Kind>) => Pointer | null } = {
  promote(pointer, { id, parent, isGreen, promoted }) {
    if (promoted !== (isGreen && !isRolledBack(pointer, parent))) return null;
    return promoted ? serving(pointer, id) : { ...pointer, states: { ...pointer.states, [id]: 'REJECTED' } };
  },
  rollback(pointer, { target, got }) {
    const wanted = target ?? pointer.previous;
    if (wanted === null) return got === 'NOTHING_TO_ROLL_BACK_TO' ? pointer : null;
    const state = pointer.states[wanted];
    if (state === undefined) return got === 'NOT_FOUND' ? pointer : null;
    if (state !== 'STANDBY') return got === 'MODEL_NOT_SERVABLE' ? pointer : null;
    return got === wanted ? serving(pointer, wanted) : null;
  },
  retire(pointer, { id, retired }) {
    const isNeeded = id === pointer.active || id === pointer.previous;
    const may = !isNeeded && (pointer.states[id] === 'STANDBY' || pointer.states[id] === 'REJECTED');
    if (may !== retired) return null;
    return retired ? { ...pointer, states: { ...pointer.states, [id]: 'RETIRED' } } : pointer;
  },
  read({ active, epoch, ...pointer }, { seen }) {
    const isRight = seen === null ? active === null : seen.id === active && seen.epoch === epoch;
    return isRight ? { active, epoch, ...pointer } : null;
  },
};

/** Whether somebody went back behind it. */
function isRolledBack({ active, states }: Pointer, id: string | null): boolean {
  const versions = Object.keys(states);
  return id !== null && active !== null && versions.indexOf(id) > versions.indexOf(active);
}

function serving({ active, epoch, states }: Pointer, id: string): Pointer {
  const before = active === null ? {} : { [active]: 'STANDBY' as const };
  return { active: id, previous: active, epoch: epoch + 1, states: { ...states, ...before, [id]: 'ACTIVE' } };
}
