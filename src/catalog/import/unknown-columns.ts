import { knownColumns } from './row.ts';

/** Said once for a file: the rows are read without them. */
export const unknownColumns = (names: readonly string[], known: readonly string[] = knownColumns): string =>
  `${names.map((name) => JSON.stringify(name)).join(', ')} ${names.length === 1 ? 'is' : 'are'} not read; known are ${known.join(', ')}`;
