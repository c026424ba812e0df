import { sqlStateOf } from './sql-state.ts';

/** The table of a model version was dropped: it is retired. */
export class VersionGone extends Error {
  constructor(cause: unknown) {
    super('This model version has no vectors any more', { cause });
  }
}

/** SQLSTATE undefined_table. */
const UNDEFINED_TABLE = '42P01';

/** @throws VersionGone where the statement met no table. */
export async function ofVersion<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    if (sqlStateOf(error) === UNDEFINED_TABLE) throw new VersionGone(error);
    throw error;
  }
}
