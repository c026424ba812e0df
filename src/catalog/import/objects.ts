import type { Read } from './entries.ts';
import { ownFormat } from './formats.ts';
import { bind, type Cells, type Raw, type Reader, readerOf, type Wish } from './reader.ts';
import { keyOf } from './readings.ts';
import { whatIsRead } from './what-is-read.ts';

/** Members of an object by their own names, on a line; or what is wrong with it. */
export type ReadObject = { line: number } & (
  | { object: Readonly<Record<string, unknown>> }
  | { problem: string }
  | { note: string }
);

/**
 * Rows of a file in which each says its own names: JSON and XML. The first row that has what a known format has decides on
 * the format of all; how they are read is told with it, what is not read in our own format with the first that has more.
 */
export function readNamed(objects: AsyncIterable<ReadObject>, wish: Wish) {
  let format = ownFormat;
  let isKnown = false;
  let told = false;
  let last: { names: string; reader: Reader } | null = null;
  const readerFor = (keys: readonly string[]): Reader => {
    const names = keys.join('\n');
    if (last?.names === names) return last.reader;
    const found = isKnown ? null : readerOf(keys, wish);
    if (found) [format, isKnown] = [found.format, true];
    const reader = found ?? bind(format, new Set(keys), wish);
    last = { names, reader };
    return reader;
  };
  async function* reads(): AsyncGenerator<Read> {
    for await (const read of objects) {
      if (!('object' in read)) {
        yield read;
        continue;
      }
      const { line, object } = read;
      const reader = readerFor(Object.keys(object).map(keyOf));
      const unread = Object.keys(object).filter((name) => !reader.has(keyOf(name)));
      const note = told ? null : whatIsRead(reader, unread);
      told ||= note !== null;
      if (note !== null) yield { line, note };
      yield { line, cells: Object.fromEntries(Object.entries(object).map(([name, value]) => [keyOf(name), value])) };
    }
  }
  return { reads: reads(), rawOf: (cells: Cells): Raw => readerFor(Object.keys(cells)).raw(cells) };
}
