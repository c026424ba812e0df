import { SimiliError } from '../../errors.ts';

/** What the file system says of a file as an error for whoever named it; any other error as it is. */
export function importError(source: string, error: unknown): unknown {
  if (error instanceof SimiliError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const why = code === 'ENOENT' ? 'there is no such file or folder' : message;
  return new SimiliError('IMPORT_UNREADABLE', { source, why });
}
