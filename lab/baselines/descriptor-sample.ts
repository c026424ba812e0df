import type { Random } from '@simili/learning/numbers/random';
import type { Picture } from '@simili/learning/picture';
import { denseDescriptors, descriptorLength } from './sift.ts';

/** Pictures that a sample of descriptors is spread over, where there are as many. */
const PICTURES = 400;

/**
 * Descriptors of pictures drawn without replacement, about equally many of each: the cost does not grow with the catalog.
 * @param limit most descriptors
 * @returns [n, 128] row-major, 1 <= n <= limit
 * @throws Error when there is nothing on any picture
 */
export function sampleDescriptors(pictures: readonly Picture[], random: Random, limit: number): Float32Array {
  const share = Math.ceil(limit / Math.min(PICTURES, Math.max(1, pictures.length)));
  const sample = new Float32Array(limit * descriptorLength);
  let count = 0;
  // Pictures with little on them leave room for more of them.
  for (const picture of drawWithout(pictures.length, pictures.length, random)) {
    if (count === limit) break;
    const rows = denseDescriptors(pictures[picture]!);
    const most = Math.min(share, limit - count);
    for (const row of drawWithout(rows.length / descriptorLength, most, random)) {
      sample.set(rows.subarray(row * descriptorLength, (row + 1) * descriptorLength), count * descriptorLength);
      count++;
    }
  }
  if (count === 0) throw new Error('No picture shows anything to learn descriptors from');
  return sample.slice(0, count * descriptorLength);
}

/** min(count, n) different integers in [0, n), in random order. */
export function drawWithout(n: number, count: number, random: Random): number[] {
  const all = Array.from({ length: n }, (_, i) => i);
  const drawn = Math.min(count, n);
  for (let i = 0; i < drawn; i++) {
    const other = i + random.int(n - i);
    [all[i], all[other]] = [all[other]!, all[i]!];
  }
  return all.slice(0, drawn);
}
