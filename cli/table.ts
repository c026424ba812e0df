/** Lines of a table under its head; texts to the left, numbers to the right, two blanks between. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly boolean[],
): string[] {
  const widths = head.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    widths
      .map((width, c) => (numbers[c] ? (row[c] ?? '').padStart(width) : (row[c] ?? '').padEnd(width)))
      .join('  ')
      .trimEnd(),
  );
}

export const grouped = (value: number): string => value.toLocaleString('en-US');

/** Three digits and a unit: 87.7 M, 1.45 G. */
export function short(value: number): string {
  const [unit, size] = value >= 1e9 ? ['G', 1e9] : value >= 1e6 ? ['M', 1e6] : value >= 1e3 ? ['k', 1e3] : ['', 1];
  return `${Number((value / size).toPrecision(3))} ${unit}`.trimEnd();
}
