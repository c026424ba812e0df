import { z } from 'zod';
import { judge } from './entries.ts';
import { SimiliError } from './errors.ts';
import { listOf } from './shapes.ts';

/**
 * The arguments of a call, in the shape that they must have (src/shapes.ts): the one check of bounds.
 * @param at path of the value; '' for the arguments themselves
 * @throws SimiliError INVALID_ARGUMENT by the path of the first thing that is wrong
 */
export function checked<T>(shape: z.ZodType<T>, value: unknown, at = ''): T {
  const judged = judge(shape, value);
  if ('value' in judged) return judged.value;
  const { field, error } = judged;
  throw new SimiliError('INVALID_ARGUMENT', {
    argument: [at, ...field].filter((part) => part !== '').join('.'),
    why: error.facts.why,
  });
}

/** @throws SimiliError INVALID_ARGUMENT unless a list that one call brings holds 1 to `most` entries. */
export function checkCount(argument: string, list: readonly unknown[], most: number): void {
  checked(listOf(z.unknown(), most, 1), list, argument);
}
