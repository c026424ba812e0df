import type { ImportReport } from './run.ts';

/** A report for the person at the terminal: counts, then every line that is told, with its reason. */
export function describeImport(report: ImportReport, dryRun = false): string {
  const { created, updated, renewed, unchanged, outdated, rows, joined, mirrored } = report;
  const { problems, passedOver, notes } = report;
  const counts = `${created} created, ${updated} updated, ${unchanged} unchanged, ${problems.length} left out`;
  const more: [number, string][] = [
    [joined, `of ${rows} rows belong to the product of the row before`],
    [passedOver.length, 'passed over: no products that shoppers see'],
    [renewed, 'with pictures that are read again'],
    [outdated, 'not written: a higher version is stored'],
    [mirrored?.removed ?? 0, 'removed: the file no longer has them'],
  ];
  const told: [number | string, string][] = [
    ...notes.map(({ line, note }) => [line, note] as [number | string, string]),
    ...passedOver.map(({ line, passedOver: why }) => [line, `passed over: ${why}`] as [number | string, string]),
    ...problems.map(({ line, problem }) => [line, problem] as [number | string, string]),
  ];
  return [
    ...(dryRun ? ['A dry run: nothing is stored. It would be'] : []),
    counts,
    ...more.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`),
    ...told.map(([line, text]) => `  ${line}: ${text}`),
    ...(mirrored?.refused ? [mirrored.refused] : []),
  ].join('\n');
}

/** Status of the command: 0, all rows were taken; 1, nothing was removed that should have been; 2, some were left out. */
export const exitCodeOf = ({ mirrored, problems }: ImportReport): number =>
  mirrored?.refused ? 1 : problems.length > 0 ? 2 : 0;
