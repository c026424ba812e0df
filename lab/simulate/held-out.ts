import { drawnById } from './drawn-by-id.ts';

/**
 * Is this product kept from the shoppers, so that it can be measured on? By the id alone, hence the same in every run:
 * what one run holds out, an earlier one has not clicked. Another hash than the one that splits training.
 * @param share of the catalog, 0 to 1.
 */
export const isHeldOut = (id: string, share: number): boolean => drawnById('held out by simulate', id) < share;
