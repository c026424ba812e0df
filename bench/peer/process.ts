import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isStatistic } from '../../learning/network/shapes.ts';
import type { NetworkSpec, Weights } from '../../learning/network/spec.ts';

/** What both sides train with, on one batch that stays the same. */
export type PeerExample = {
  spec: NetworkSpec;
  weights: Weights;
  /** N */
  rows: number;
  /** [N, S, S, 3] */
  pictures: Float32Array;
  /** [N, N] of InfoNCE. */
  targets: Float32Array;
  temperature: number;
  rate: number;
  momentum: number;
  weightDecay: number;
  clip: number;
};
export type PeerSteps = { loss: number; ms: number; cpuMs: number };
export type Peer = {
  /** Makes a training of its own, in its first state. */
  open(id: string, example: PeerExample, options: { threads: number; channelsLast: boolean }): Promise<void>;
  step(id: string, count: number): Promise<PeerSteps>;
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
    async open(id, { weights, pictures, targets, ...rest }, options) {
      const file = join(dir, 'example');
      const values = [...Object.values(weights).map(({ data }) => data), pictures, targets];
      await writeFile(
        file,
        Buffer.concat(values.map((each) => Buffer.from(each.buffer, each.byteOffset, each.byteLength))),
      );
      const shapes = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, shape]));
      await ask({ do: 'open', id, file, weights: shapes, ...rest, ...options });
    },
    step: (id, count) => ask({ do: 'step', id, count }),
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
