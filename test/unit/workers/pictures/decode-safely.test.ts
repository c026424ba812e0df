import { expect, test } from 'vitest';
import { SimiliError } from '../../../../src/errors.ts';
import { NotBegun } from '../../../../workers/hosts/options.ts';
import { type Decoder, decodeSafely } from '../../../../workers/pictures/decode-safely.ts';
import type { DecodedPicture } from '../../../../workers/pictures/decoded-picture.ts';
import { makePool } from '../../../../workers/tools/pool.ts';

const limits = { maxPixels: 100, background: '#ffffff', sides: [64], timeoutMs: 5000 };
const decoded: DecodedPicture = { pixels: {}, width: 1, height: 1, mime: 'image/png' };
const timeout = new DOMException('slow', 'TimeoutError');
const overMemory = new DOMException('hungry', 'QuotaExceededError');
const crash = new SimiliError('ENGINE_CRASHED', { why: 'it ended' });

/** A decoder that answers, or fails, as it is told to, and remembers what it was asked. */
function scripted(...outcomes: (DecodedPicture | Error | null)[]) {
  const asked: string[] = [];
  const call = async (method: string) => {
    asked.push(method);
    if (method === 'ready') return;
    const outcome = outcomes.shift();
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  return { asked, pool: makePool([{ call, closed: false } as unknown as Decoder]) };
}

test.each([
  ['that is too slow', timeout, { code: 'IMAGE_TIMEOUT', message: 'Decoding a.png took over 5 s' }],
  ['that takes too much memory', overMemory, { code: 'IMAGE_TOO_LARGE', message: /more than 512 MB of memory$/ }],
])('a picture %s is convicted by its first try', async (_name, failure, error) => {
  const [shared, alone] = [scripted(failure), scripted()];
  const call = decodeSafely({ shared: shared.pool, alone: alone.pool }, Buffer.of(1), 'a.png', limits);
  await expect(call).rejects.toMatchObject(error);
  expect([shared.asked, alone.asked]).toEqual([['decodeSmall'], []]);
});

test('a picture that waited in a decoder which another one ended is no suspect: it goes on among others', async () => {
  const [shared, alone] = [scripted(new NotBegun(), new NotBegun(), decoded), scripted()];
  const call = decodeSafely({ shared: shared.pool, alone: alone.pool }, Buffer.of(1), 'a.png', limits);
  expect(await call).toBe(decoded);
  expect([shared.asked.length, alone.asked]).toEqual([3, []]);
});

test.each([
  ['in whose turn a decoder ended', crash],
  ['that is large', null],
])('a picture %s is decoded alone', async (_name, outcome) => {
  const [shared, alone] = [scripted(outcome), scripted(decoded)];
  const call = decodeSafely({ shared: shared.pool, alone: alone.pool }, Buffer.of(1), 'a.png', limits);
  expect(await call).toBe(decoded);
  expect([shared.asked, alone.asked]).toEqual([['decodeSmall'], ['ready', 'decode']]);
});

test('a picture that ends its decoder alone, too, is unreadable', async () => {
  const [shared, alone] = [scripted(crash), scripted(crash)];
  const call = decodeSafely({ shared: shared.pool, alone: alone.pool }, Buffer.of(1), 'a.png', limits);
  await expect(call).rejects.toMatchObject({
    code: 'IMAGE_UNREADABLE',
    message: /decoding it ended the decoder, twice$/,
  });
});
