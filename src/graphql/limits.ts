import { checked } from '../checked.ts';
import { pageSize } from '../shapes.ts';

const Size = pageSize(100, 20);

/** Page size of a plain list. @throws SimiliError INVALID_ARGUMENT outside 1 to 100. */
export const listSize = (first: number | null | undefined): number => checked(Size, first, 'first');
