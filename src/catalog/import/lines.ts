import { createReadStream } from 'node:fs';

/** `number` from 1. `text` is null when the line cannot be used: then `problem` says why. */
export type Line =
  | { number: number; text: string; problem?: undefined }
  | { number: number; text: null; problem: string };

/** A longer line is passed over, so that memory does not grow with what a file holds. */
export const MAX_LINE_BYTES = 2 ** 20;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** The lines of a UTF-8 file, without line ends (LF, CRLF or CR) and byte order mark, read as it goes. */
export async function* readLines(path: string): AsyncGenerator<Line> {
  let number = 0;
  for await (const bytes of splitLines(createReadStream(path))) {
    number += 1;
    if (bytes === null) yield { number, text: null, problem: `the line is longer than ${MAX_LINE_BYTES} bytes` };
    else {
      const text = decodeUtf8(bytes);
      yield text === null ? { number, text, problem: 'the line is not UTF-8 text' } : { number, text };
    }
  }
}

export const isBlank = ({ text }: Line): boolean => text !== null && text.trim() === '';

/** Bytes between line ends; null for a line that is too long. Line ends are found as bytes: in UTF-8 they are nothing else. */
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
  /** The byte before was a CR: a LF now belongs to it. */
  let returned = false;
  for await (const chunk of chunks) {
    let start = 0;
    if (returned && chunk[0] === LINE_FEED) start = 1;
    returned = false;
    for (let end = lineEnd(chunk, start); end >= 0; end = lineEnd(chunk, start)) {
      add(chunk.subarray(start, end));
      yield take();
      const isReturn = chunk[end] === CARRIAGE_RETURN;
      start = end + (isReturn && chunk[end + 1] === LINE_FEED ? 2 : 1);
      returned = isReturn && end === chunk.length - 1;
    }
    add(chunk.subarray(start));
  }
  if (length > 0) yield take();
}

/** Place of the first line end; -1 when there is none. */
function lineEnd(chunk: Buffer, from: number): number {
  for (let at = from; at < chunk.length; at++) if (chunk[at] === LINE_FEED || chunk[at] === CARRIAGE_RETURN) return at;
  return -1;
}

/** Null for bytes that are no UTF-8; a byte order mark is dropped. */
export function decodeUtf8(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
