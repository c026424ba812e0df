import { createReadStream } from 'node:fs';

/** `number` from 1. `text` is null when the line cannot be used: then `problem` says why. */
export type Line =
  | { number: number; text: string; problem?: undefined }
  | { number: number; text: null; problem: string };

/** A longer line is passed over, so that memory does not grow with what a file holds. */
const MAX_LINE_BYTES = 2 ** 20;
const NEWLINE = 10;

/** The lines of a UTF-8 file, without line ends and byte order mark, read as it goes. */
export async function* readLines(path: string): AsyncGenerator<Line> {
  let number = 0;
  for await (const bytes of splitLines(createReadStream(path))) {
    number += 1;
    if (bytes === null) yield { number, text: null, problem: `the line is longer than ${MAX_LINE_BYTES} bytes` };
    else {
      const text = decode(bytes);
      yield text === null ? { number, text, problem: 'the line is not UTF-8 text' } : { number, text };
    }
  }
}

export const isBlank = ({ text }: Line): boolean => text !== null && text.trim() === '';

/** Bytes between newlines; null for a line that is too long. Newlines are found as bytes: in UTF-8 they are nothing else. */
async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer | null> {
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer) => {
    length += part.length;
    if (length > MAX_LINE_BYTES) parts = [];
    else parts.push(part);
  };
  const take = (): Buffer | null => {
    const line = length > MAX_LINE_BYTES ? null : Buffer.concat(parts);
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    add(chunk.subarray(start));
  }
  if (length > 0) yield take();
}

/** A byte order mark is dropped by the decoder. */
function decode(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r$/, '');
  } catch {
    return null;
  }
}
