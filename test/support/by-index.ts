import { type FreshPostgres, freshPostgresDatabase, postgresUrl } from './services.ts';

/**
 * A database whose searches go by the index of vectors, of few products, too, which Postgres would sort by itself.
 * @param settings further ones of each session, as `-c name=value`
 */
export function databaseByIndex(settings = ''): Promise<FreshPostgres> {
  const url = new URL(postgresUrl());
  url.searchParams.set('options', `-c enable_sort=off -c enable_seqscan=off -c jit=off ${settings}`);
  return freshPostgresDatabase(url.href);
}
