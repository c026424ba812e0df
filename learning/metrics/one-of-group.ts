/**
 * Shows a ranking as a list does: nothing of the anchor's own group, and of each other group what ranks first.
 * @param ranking nearest first
 * @param groupOf number of an item's group; -1: it is in none
 * @param own number of the anchor's group; -1: it is in none
 * @param most items that are wanted
 */
export function oneOfGroup(
  ranking: readonly number[],
  groupOf: (item: number) => number,
  own: number,
  most = Number.POSITIVE_INFINITY,
): number[] {
  const shown = new Set([own]);
  const list: number[] = [];
  for (const item of ranking) {
    if (list.length >= most) break;
    const group = groupOf(item);
    if (group >= 0 && shown.has(group)) continue;
    shown.add(group);
    list.push(item);
  }
  return list;
}
