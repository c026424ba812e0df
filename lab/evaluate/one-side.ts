type Told = { readonly path: string; readonly identity: string | null; readonly contentHash: string };

/**
 * Names what is on one side of the split as a whole, by row: an identity, and with it what is byte for byte one of its pictures and has none; else what is
 * byte for byte the same under several paths. What is asked for must never have been seen, under whatever path. The order of the rows does not matter.
 */
export function sidesOf(rows: readonly Told[]): string[] {
  const byContent = new Map<string, string>();
  for (const row of rows) {
    const [name, known] = [nameOf(row), byContent.get(row.contentHash)];
    if (known === undefined || comesBefore(name, known)) byContent.set(row.contentHash, name);
  }
  return rows.map((row) => row.identity ?? byContent.get(row.contentHash)!);
}

/** A picture without an identity is one of its own; a name with a line break is no identity's. */
const nameOf = ({ path, identity }: Told): string => identity ?? `\n${path}`;

/** Identities first. */
function comesBefore(a: string, b: string): boolean {
  const [ofA, ofB] = [a, b].map((name) => name.startsWith('\n'));
  return ofA === ofB ? a < b : ofB!;
}
