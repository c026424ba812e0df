import { z } from 'zod';
import type { Distillation } from '../losses/loss.ts';
import { makeRandom } from '../numbers/random.ts';
import { makePasses, passesState } from '../sampling/passes.ts';
import { counter, parseState, randomState, uint32 } from '../sampling/source-state.ts';
import type { BatchSource } from './batch.ts';

export type TaughtBatchOptions = {
  /** Those that may teach, by their index in the training set; at least two. */
  readonly pictures: Int32Array;
  /** The teacher's vector of one of them: [D], of unit length. */
  readonly vectorOf: (picture: number) => Float32Array;
  /** N >= 2 */
  readonly rows: number;
  readonly loss: Omit<Distillation, 'targets' | 'vectors'>;
  readonly seed: number;
};

const stateSchema = z.object({ random: randomState, passes: passesState, pictures: counter });

/**
 * Batches for distillation: pictures in passes, each once in every pass, with what a teacher says of them: its vectors, and
 * for every row the softmax of its similarities to the others, at the temperature of the loss. No row has a group: of a
 * picture that is turned or recoloured the teacher sees something else.
 * @throws Error when there are fewer than two pictures or rows
 */
export function taughtBatches({ pictures, vectorOf, rows, loss, seed }: TaughtBatchOptions): BatchSource {
  if (!(Number.isInteger(rows) && rows >= 2)) throw new Error(`${rows} rows have no neighbours`);
  if (pictures.length < 2) throw new Error(`${pictures.length} pictures have no neighbours`);
  const random = makeRandom(seed);
  const passes = makePasses(pictures.length, uint32(random));
  let given = 0;
  return {
    next: () => {
      const chosen = Int32Array.from({ length: rows }, () => pictures[passes.next()]!);
      given += rows;
      const vectors = Array.from(chosen, vectorOf);
      return {
        pictures: chosen,
        groups: new Int32Array(rows).fill(-1),
        loss: { ...loss, targets: softmaxOf(vectors, loss.temperature), vectors: joined(vectors) },
        seed: uint32(random),
      };
    },
    state: () => ({ random: random.state(), passes: passes.state(), pictures: given }),
    restore: (state) => {
      const saved = parseState(stateSchema, state, 'taught batches');
      random.restore(saved.random);
      passes.restore(saved.passes);
      given = saved.pictures;
    },
    counts: () => ({ pictures: given }),
  };
}

/** softmax_j(t_i · t_j / temperature) over all rows but i: [N, N], 0 on the diagonal. */
export function softmaxOf(vectors: readonly Float32Array[], temperature: number): Float32Array {
  const n = vectors.length;
  const out = new Float32Array(n * n);
  for (const [i, own] of vectors.entries()) {
    const logits = vectors.map((other, j) => (j === i ? Number.NEGATIVE_INFINITY : dot(own, other) / temperature));
    const top = logits.reduce((most, value) => Math.max(most, value));
    const powers = logits.map((value) => Math.exp(value - top));
    const sum = powers.reduce((total, value) => total + value, 0);
    for (const [j, power] of powers.entries()) out[i * n + j] = power / sum;
  }
  return out;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function joined(rows: readonly Float32Array[]): Float32Array {
  const length = rows[0]!.length;
  const out = new Float32Array(rows.length * length);
  for (const [i, row] of rows.entries()) out.set(row, i * length);
  return out;
}
