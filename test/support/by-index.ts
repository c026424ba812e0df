import { type FreshPostgres, freshPostgresDatabase, postgresUrl } from './services.ts';

/** A database whose searches go by the index of vectors, of few products, too, which Postgres would sort by itself. */
export function databaseByIndex(): Promise<FreshPostgres> {
  const url = new URL(postgresUrl());
  url.searchParams.set('options', '-c enable_sort=off -c enable_seqscan=off -c jit=off');
  return freshPostgresDatabase(url.href);
}
