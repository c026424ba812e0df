import { PICTURES } from '../ports/space.ts';

/** Name, without its schema, of the table of a version's vectors of one space. @throws RangeError */
export function embeddingName(model: number, space: string = PICTURES): string {
  // Both become part of a statement: our own serial number, and a name that was checked when it came in.
  if (!Number.isSafeInteger(model) || model < 1) throw new RangeError(`model number ${model}`);
  if (!/^[a-z][a-z0-9_]{0,29}$/.test(space)) throw new RangeError(`space ${space}`);
  return space === PICTURES ? `embedding_${model}` : `embedding_${model}_${space}`;
}

export const embeddingTable = (model: number, space?: string): string => `simili.${embeddingName(model, space)}`;
