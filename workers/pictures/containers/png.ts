/** Besides the critical chunks: what changes pixels, colours or orientation. */
const KEPT = new Set(['tRNS', 'gAMA', 'cHRM', 'sRGB', 'iCCP', 'cICP', 'sBIT', 'eXIf']);
const SIGNATURE = 8;
/** Length, type and checksum of a chunk. */
const AROUND = 12;

/**
 * A PNG without texts, suggested palettes, animation and whatever else is not needed to draw it; each kept kind that is
 * not critical once, as the format has it.
 */
export function barePng(file: Buffer): Buffer {
  const out = Buffer.allocUnsafe(file.length);
  const seen = new Set<string>();
  let written = file.copy(out, 0, 0, SIGNATURE);
  for (let at = SIGNATURE; at + AROUND <= file.length; ) {
    const type = file.toString('latin1', at + 4, at + 8);
    const end = at + AROUND + file.readUInt32BE(at);
    if (isCritical(type) || (KEPT.has(type) && !seen.has(type))) written += file.copy(out, written, at, end);
    seen.add(type);
    if (type === 'IEND') break;
    at = end;
  }
  return out.subarray(0, written);
}

/** By the case of its first letter: a decoder must not pass over it. */
const isCritical = (type: string): boolean => /^[A-Z]/.test(type);
