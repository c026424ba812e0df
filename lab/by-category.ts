/** Rows by their category, in the order given; those without one are left out. */
export function byCategory<Row extends { readonly category: string | null }>(rows: readonly Row[]): Map<string, Row[]> {
  const members = new Map<string, Row[]>();
  for (const row of rows) {
    if (row.category === null) continue;
    const own = members.get(row.category);
    if (own) own.push(row);
    else members.set(row.category, [row]);
  }
  return members;
}
