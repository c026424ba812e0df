import { createHash } from 'node:crypto';

/**
 * Is this product kept from the shoppers, so that it can be measured on? By the id alone, hence the same in every run:
 * what one run holds out, an earlier one has not clicked. Another hash than the one that splits training.
 * @param share of the catalog, 0 to 1.
 */
export function isHeldOut(id: string, share: number): boolean {
  const hash = createHash('sha256').update(`held out by simulate\n${id}`).digest();
  return hash.readUInt32BE(0) / 2 ** 32 < share;
}
