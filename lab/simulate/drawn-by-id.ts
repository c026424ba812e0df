import { createHash } from 'node:crypto';

/** A number of a product, by its id alone and hence the same in every run, evenly spread over [0, 1); another one for each purpose. */
export function drawnById(purpose: string, id: string): number {
  return createHash('sha256').update(`${purpose}\n${id}`).digest().readUInt32BE(0) / 2 ** 32;
}
