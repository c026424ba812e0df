import { ownFormat } from './formats.ts';
import type { Reader } from './reader.ts';
import { unknownColumns } from './unknown-columns.ts';

/** How a file is read, said once; null: it has our own columns and no other. */
export function whatIsRead({ format, reads }: Reader, unread: readonly string[]): string | null {
  if (format === ownFormat) return unread.length > 0 ? unknownColumns(unread) : null;
  const fields = [...reads].map(([field, columns]) => `${field} from ${columns.join(' and ')}`).join(', ');
  const rest = unread.length > 0 ? `; ${unread.length} other columns are not read` : '';
  return `read as an export of ${format.name}: ${fields}${rest}`;
}
