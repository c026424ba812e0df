import { SimiliError } from '../../errors.ts';

/** IMPORT_UNREADABLE for an error of the file system; any other error as it is. */
export function importError(source: string, error: unknown): unknown {
  if (error instanceof SimiliError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const why = code === 'ENOENT' ? 'there is no such file or folder' : message;
  return new SimiliError('IMPORT_UNREADABLE', { source, why });
}
