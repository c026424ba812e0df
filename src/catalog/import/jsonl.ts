import { dirname } from 'node:path';
import { parse } from 'lossless-json';
import { isBlank, readLines } from './lines.ts';
import { type CatalogEntry, ExactNumber, knownColumns, toRow } from './row.ts';
import { unknownColumns } from './unknown-columns.ts';

/** One JSON object a line, with the columns of a CSV file as keys; lists may be arrays. */
export async function* readJsonl(path: string): AsyncGenerator<CatalogEntry> {
  const folder = dirname(path);
  let toldOfUnknown = false;
  for await (const read of readLines(path)) {
    if (isBlank(read)) continue;
    const { number: line, text, problem } = read;
    const value = text === null ? { problem } : parseObject(text);
    if ('problem' in value) {
      yield { line, problem: value.problem };
      continue;
    }
    const unknown = Object.keys(value.object).filter((key) => !knownColumns.includes(key));
    if (unknown.length > 0 && !toldOfUnknown) {
      toldOfUnknown = true;
      yield { line, note: unknownColumns(unknown) };
    }
    yield { line, ...toRow(value.object, folder) };
  }
}

function parseObject(text: string): { object: Record<string, unknown> } | { problem: string } {
  try {
    const value: unknown = parse(text, undefined, {
      parseNumber: toNumber,
      onDuplicateKey: ({ newValue }) => newValue,
    });
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { object: value as Record<string, unknown> };
  } catch {
    return { problem: 'it is not JSON' };
  }
  return { problem: 'it is not a JSON object' };
}

/** A number that JavaScript would round keeps its digits: of two large ids neither becomes another one. */
function toNumber(digits: string): number | ExactNumber {
  const value = Number(digits);
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? new ExactNumber(digits) : value;
}
