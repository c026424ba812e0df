import { expect, test } from 'vitest';
import type { Encoded, Encoder } from '../../../../src/ports/encoder.ts';
import { ownEncoder, spacesOfEncoders } from '../../../../workers/embedding/own-encoder.ts';

type Encode = (items: readonly unknown[], signal: AbortSignal) => Promise<readonly Encoded[]>;
const within = (ms: number, encode: Encode) => {
  const encoder = {
    id: 'words@1',
    input: 'product',
    space: { name: 'words', dimensions: 2, distance: 'euclidean', storage: 'vector' },
    weight: 1,
    encode,
  } as Encoder;
  const encoders = [encoder];
  return ownEncoder({ encoders }, spacesOfEncoders({ encoders })[0]!, ms);
};
const nobodyLeaves = () => new AbortController().signal;

test('an encoder that never answers fails in time, and is told to stop', async () => {
  let told: AbortSignal | undefined;
  const hangs = within(20, (_items, signal) => {
    told = signal;
    return new Promise(() => {});
  });
  await expect(hangs.encode([{} as never], nobodyLeaves())).rejects.toMatchObject({
    code: 'ENCODER_FAILED',
    message: 'The encoder words@1 failed: it has not answered in 0.02 s',
  });
  expect(told?.aborted).toBe(true);
});

test('one that answers in time is not told to stop, unless its worker stops', async () => {
  const signals: AbortSignal[] = [];
  const answers = within(10_000, async (items, signal) => {
    signals.push(signal);
    return items.map(() => Float32Array.of(3, 4));
  });
  const worker = new AbortController();
  expect(await answers.encode([{} as never], worker.signal)).toEqual([Float32Array.of(3 / 5, 4 / 5)]);
  expect(signals[0]!.aborted).toBe(false);
  worker.abort();
  expect(signals[0]!.aborted).toBe(true);
});
