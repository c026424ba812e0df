import type { Random } from '../numbers/random.ts';

/** Some of a category's items that are not in the batch yet; fewer where most of them are. */
export function drawKin(
  members: readonly number[],
  wanted: number,
  taken: ReadonlySet<number>,
  random: Random,
): number[] {
  const drawn = new Set<number>();
  for (let tries = 0; members.length > 1 && drawn.size < wanted && tries < 2 * wanted; tries++) {
    const item = members[random.int(members.length)]!;
    if (!taken.has(item)) drawn.add(item);
  }
  return [...drawn];
}
