/**
 * Items by their category, in the order given; those without one (-1) are left out.
 * @param categories by item
 */
export function byCategory(
  { categories }: { readonly categories: Int32Array },
  items: Iterable<number>,
): Map<number, number[]> {
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
