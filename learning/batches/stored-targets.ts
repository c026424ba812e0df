/** One row of a batch of stored pictures. */
export type StoredRow = {
  readonly picture: number;
  readonly item: number;
  /** Item that shoppers chose beside this one, and the part of the row's target that it gets, in [0, 1). */
  readonly partner: { readonly item: number; readonly part: number } | null;
};

/**
 * [N, N]: who each row should be near to. A row sums to 1, or is 0 where there is nobody.
 * @param categories by item, -1: none; null: they say nothing
 */
export function storedTargets(rows: readonly StoredRow[], categories: Int32Array | null): Float32Array {
  const n = rows.length;
  const targets = new Float32Array(n * n);
  const byItem = grouped(rows, ({ item }) => item);
  const byCategory = categories ? grouped(rows, ({ item }) => categories[item]!) : null;
  for (const [i, { item, partner }] of rows.entries()) {
    const own = byItem.get(item)!.filter((j) => j !== i);
    const category = categories ? categories[item]! : -1;
    const kin = category < 0 ? [] : byCategory!.get(category)!.filter((j) => rows[j]!.item !== item);
    const near = own.length > 0 ? own : kin;
    const others = partner ? (byItem.get(partner.item) ?? []) : [];
    const moved = others.length === 0 ? 0 : near.length === 0 ? 1 : partner!.part;
    for (const j of near) targets[i * n + j] = (1 - moved) / near.length;
    for (const j of others) targets[i * n + j] = targets[i * n + j]! + moved / others.length;
  }
  return targets;
}

function grouped<T>(rows: readonly T[], keyOf: (row: T) => number): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const [i, row] of rows.entries()) {
    const own = groups.get(keyOf(row));
    if (own) own.push(i);
    else groups.set(keyOf(row), [i]);
  }
  return groups;
}
