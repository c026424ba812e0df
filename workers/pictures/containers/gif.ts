const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;
/** Signature and screen descriptor. */
const HEADER = 13;

/** A GIF that ends with its first image; the whole when that is cut short. */
export function firstGifFrame(file: Buffer): Buffer {
  const end = firstImageEnd(file);
  return end === null ? file : Buffer.concat([file.subarray(0, end), Buffer.from([TRAILER])]);
}

function firstImageEnd(file: Buffer): number | null {
  let at = HEADER + tableBytes(file[10] ?? 0);
  while (file[at] === EXTENSION) at = subBlocksEnd(file, at + 2);
  if (file[at] !== IMAGE) return null;
  const data = at + 10 + tableBytes(file[at + 9] ?? 0) + 1; // descriptor, colours, code size
  const end = subBlocksEnd(file, data);
  return end <= file.length ? end : null;
}

/** Size of the colour table that these flags announce. */
const tableBytes = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);

/** Behind the empty block that ends them; beyond the file when there is none. */
function subBlocksEnd(file: Buffer, from: number): number {
  let at = from;
  while (at < file.length && file[at] !== 0) at += 1 + file[at]!;
  return at + 1;
}
