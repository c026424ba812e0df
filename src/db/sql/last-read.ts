import { SimiliError } from '../../errors.ts';
import { isStorable } from '../../text.ts';

/**
 * The row that a list goes on behind, by the id that was read last; null: it begins at its beginning.
 * @throws SimiliError CURSOR_INVALID where there is none of that id
 */
export async function lastRead<Row>(
  after: string | null,
  byId: (id: string) => Promise<Row | null>,
): Promise<Row | null> {
  if (after === null) return null;
  const row = isStorable(after) ? await byId(after) : null;
  if (!row) throw new SimiliError('CURSOR_INVALID');
  return row;
}
