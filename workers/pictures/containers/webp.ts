const HEADER = 12;
const FRAME = 'ANMF';

/** A WebP whose animation ends with its first frame. Chunks that stand between frames go with the others. */
export function firstWebpFrame(file: Buffer): Buffer {
  const size = Math.min(file.length, 8 + file.readUInt32LE(4));
  const frames = frameEnds(file, size);
  if (!frames) return file;
  const out = Buffer.concat([file.subarray(0, frames.first), file.subarray(frames.last, size)]);
  out.writeUInt32LE(out.length - 8, 4);
  return out;
}

/** Where the first and the last frame end; null with fewer than two, or when the chunks do not end with the file. */
function frameEnds(file: Buffer, size: number): { first: number; last: number } | null {
  let first = 0;
  let last = 0;
  for (let at = HEADER; at < size; ) {
    if (at + 8 > size) return null;
    const length = file.readUInt32LE(at + 4);
    const end = at + 8 + length + (length % 2);
    if (end > size) return null;
    if (file.toString('latin1', at, at + 4) === FRAME) {
      first ||= end;
      last = end;
    }
    at = end;
  }
  return first === last ? null : { first, last };
}
