import { toSql } from 'pgvector';

/** Half a step of nine decimals is less than float32 keeps of a number above 0.01. */
const STEPS = 1e9;
/** '-.123456789,' */
const LONGEST = 12;
/** Three digits of every number below 1000. */
const digits = Buffer.from(Array.from({ length: 1000 }, (_, i) => String(i).padStart(3, '0')).join(''), 'latin1');
const [MINUS, POINT, COMMA, OPEN, CLOSE] = [...Buffer.from('-.,[]', 'latin1')] as [
  number,
  number,
  number,
  number,
  number,
];

/**
 * A vector as pgvector reads it: to nine decimals where all values are in (-1, 1), as those of a served vector are. These are
 * written digit by digit: the way to the shortest decimal takes more time than all else that is done with a vector.
 */
export function vectorText(vector: Float32Array): string {
  const out = Buffer.allocUnsafe(1 + LONGEST * vector.length);
  let at = 0;
  out[at++] = OPEN;
  for (let i = 0; i < vector.length; i++) {
    const value = vector[i]!;
    const steps = Math.round(Math.abs(value) * STEPS);
    if (!(steps < STEPS)) return toSql([...vector]);
    if (value < 0) out[at++] = MINUS;
    out[at++] = POINT;
    const low = steps % 1e6;
    writeThree(out, at, (steps / 1e6) | 0);
    writeThree(out, at + 3, (low / 1e3) | 0);
    writeThree(out, at + 6, low % 1e3);
    out[at + 9] = COMMA;
    at += 10;
  }
  out[at - 1] = CLOSE; // over the last comma
  return out.toString('latin1', 0, at);
}

function writeThree(out: Buffer, at: number, group: number): void {
  out[at] = digits[3 * group]!;
  out[at + 1] = digits[3 * group + 1]!;
  out[at + 2] = digits[3 * group + 2]!;
}
