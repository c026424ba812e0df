import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { parse } from 'lossless-json';
import { readElements } from './json-elements.ts';
import { isBlank, readLines } from './lines.ts';
import type { ReadObject } from './objects.ts';
import { ExactNumber } from './row.ts';

/** The objects of a file: one a line, or all in one array, which a `.json` file is known as by its first character. */
export async function* readObjects(path: string): AsyncGenerator<ReadObject> {
  const isWhole = extname(path).toLowerCase() === '.json' && (await isArray(path));
  for await (const read of isWhole ? readElements(path) : readLines(path)) {
    if (isBlank(read)) continue;
    const { number: line, text, problem } = read;
    yield { line, ...(text === null ? { problem } : parseObject(text)) };
  }
}

async function isArray(path: string): Promise<boolean> {
  for await (const chunk of createReadStream(path, { encoding: 'utf8' }) as AsyncIterable<string>) {
    const text = chunk.replace(/^\ufeff/, '').trimStart();
    if (text !== '') return text.startsWith('[');
  }
  return false;
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
