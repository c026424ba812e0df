import type { Random } from '../random.ts';
import type { BatchCatalog } from './catalog.ts';

/** Items by their category; those without one are left out. */
export function byCategory({ categories }: BatchCatalog, items: Int32Array): Map<number, number[]> {
  const members = new Map<number, number[]>();
  for (const item of items) {
    const category = categories[item]!;
    if (category < 0) continue;
    const own = members.get(category);
    if (own) own.push(item);
    else members.set(category, [item]);
  }
  return members;
}

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
