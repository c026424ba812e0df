/** float16 (IEEE 754 binary16) as uint16 bits: what features are stored in. Node 20 has no Float16Array. */

const values = Float32Array.from({ length: 65_536 }, (_, bits) => decoded(bits));

function decoded(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** float32 of the same numbers, exactly. */
export function fromHalf(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = values[bits[i]!]!;
  return out;
}

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** The nearest float16 of each number, of two equally near ones the even. Above 65,504 it is infinity. */
export function toHalf(numbers: ArrayLike<number>): Uint16Array {
  const out = new Uint16Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) out[i] = encoded(numbers[i]!);
  return out;
}

function encoded(number: number): number {
  float[0] = number;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 255;
  const fraction = bits & 0x7f_ffff;
  if (exponent === 255) return sign | (fraction ? 0x7e00 : 0x7c00);
  const own = exponent - 112;
  if (own >= 31) return sign | 0x7c00;
  if (own <= -11) return sign;
  // Below 1 the number is subnormal: its leading 1 becomes a digit, and it loses as many more.
  const digits = own > 0 ? fraction | (own << 23) : fraction | 0x80_0000;
  const drop = own > 0 ? 13 : 14 - own;
  const kept = digits >>> drop;
  const rest = digits & ((1 << drop) - 1);
  const half = 1 << (drop - 1);
  // A carry out of the fraction raises the exponent, as it should.
  return sign | (kept + (rest > half || (rest === half && kept & 1) ? 1 : 0));
}
