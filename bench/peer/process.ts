import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isStatistic } from '../../learning/network/shapes.ts';
import type { Weights } from '../../learning/network/spec.ts';
import type { StepExample } from '../whole-step.ts';

export type PeerSteps = { loss: number; ms: number; cpuMs: number };
export type PeerOptions = {
  threads: number;
  channelsLast: boolean;
  /** PyTorch's name of it; the CPU unless given. On another one the batch is brought to it at every step. */
  device?: 'cpu' | 'cuda';
  /** Lets an NVIDIA card multiply with 10 bits after the point instead of 23. */
  tf32?: boolean;
};
export type Peer = {
  /** Makes a training of its own, in its first state. @returns what it runs on */
  open(id: string, example: StepExample, options: PeerOptions): Promise<{ device: string }>;
  step(id: string, count: number): Promise<PeerSteps>;
  /** The batch as it is served, so many times. @returns pictures a second */
  embed(id: string, count: number): Promise<number>;
  /** Trained weights, one after the other, in the order of `weightShapes`. */
  weights(id: string): Promise<Float32Array>;
  close(): Promise<void>;
};

/** Tells in one sentence what is needed. */
export class NoPeer extends Error {}

const NEEDED =
  'The peer is a Python with PyTorch 2 (python3 -m venv peer && peer/bin/pip install torch): --peer peer/bin/python';

/** @param python path of an interpreter that has torch. @throws NoPeer where it has not */
export async function openPeer(python: string, dir: string): Promise<Peer> {
  const script = new URL('training.py', import.meta.url).pathname;
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const failed = new Promise<never>((_resolve, reject) => {
    child.on('error', (error) => reject(new NoPeer(`${NEEDED} (${error.message})`)));
    child.on('exit', () => reject(new NoPeer(`${NEEDED} (${said.trim().split('\n').at(-1)})`)));
  });
  failed.catch(() => {}); // told to whoever asks next
  child.stdin.on('error', () => {}); // it has ended, and said why
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (request: object) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await Promise.race([answers.next(), failed]);
    const answer = done ? await failed : JSON.parse(value);
    if (answer.error) throw new Error(`The peer: ${answer.error}`);
    return answer;
  };
  return {
    async open(id, example, options) {
      const { weights, pictures, targets, masks, ...rest } = example;
      const file = join(dir, 'example');
      const values = [...Object.values(weights).map(({ data }) => data), pictures, targets, ...Object.values(masks)];
      await writeFile(
        file,
        values.map((each) => Buffer.from(each.buffer, each.byteOffset, each.byteLength)),
      );
      const shapes = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, shape]));
      return ask({ do: 'open', id, file, weights: shapes, masks: shapesOf(masks, example.rows), ...rest, ...options });
    },
    step: (id, count) => ask({ do: 'step', id, count }),
    embed: async (id, count) => (await ask({ do: 'embed', id, count })).perSecond,
    async weights(id) {
      const file = join(dir, 'weights');
      await ask({ do: 'weights', id, file });
      const bytes = await readFile(file);
      return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    },
    async close() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

const shapesOf = (masks: StepExample['masks'], rows: number) =>
  Object.fromEntries(Object.entries(masks).map(([name, { length }]) => [name, [rows, length / rows]]));

/** How far two trainings from the same `start` are apart, over all trained weights: of their length, and of the step's. */
export function apart(start: Weights, ours: Weights, theirs: Float32Array): { weights: number; step: number } {
  let at = 0;
  let [difference, length, moved] = [0, 0, 0];
  for (const [name, { data }] of Object.entries(ours)) {
    if (isStatistic(name)) continue;
    for (const [i, value] of data.entries()) {
      difference += (value - theirs[at++]!) ** 2;
      length += value ** 2;
      moved += (value - start[name]!.data[i]!) ** 2;
    }
  }
  if (at !== theirs.length) throw new Error(`The peer has ${theirs.length} weights instead of ${at}`);
  return { weights: Math.sqrt(difference / length), step: Math.sqrt(difference / moved) };
}
