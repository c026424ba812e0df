import { z } from 'zod';
import type { Random } from '../numbers/random.ts';

/** State of a random source: four uint32. */
export const randomState = z.array(z.int().min(0)).length(4);
export const counter = z.int().min(0);

/** @throws Error that says of what it is no state. */
export function parseState<T>(schema: z.ZodType<T>, state: unknown, of: string): T {
  const { data, success } = schema.safeParse(state);
  if (!success) throw new Error(`This is not a state of ${of}`);
  return data;
}

export const uint32 = (random: Random): number => random.int(2 ** 32);
