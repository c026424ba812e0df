import { databaseUnavailable } from '../../deadline.ts';
import type { SimiliError } from '../../errors.ts';

/** SQLSTATE: connection exceptions, shutdown and start of the server, no connection left. */
const SQLSTATE = /^(08...|57P0[1-5]|53300)$/;
const SYSTEM = /^(ECONN\w+|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOENT|EACCES)$/;
/** The driver's own sentences have no code. */
const DRIVER = /^(Connection terminated|timeout e|Client (was closed|has encountered)|Query read timeout)/;

/** DATABASE_UNAVAILABLE where an error says that the connection failed, not the statement; null otherwise. */
export function asUnavailable(error: unknown): SimiliError | null {
  const { code = '', message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  const isConnection =
    typeof code === 'string' && code ? SQLSTATE.test(code) || SYSTEM.test(code) : DRIVER.test(message);
  return isConnection ? databaseUnavailable(describe(error as Error)) : null;
}

/** DATABASE_UNAVAILABLE for whatever a connection fails with before anything was asked: a database that takes none says so with many a code. */
export const unreachable = (error: unknown): SimiliError => databaseUnavailable(describe(error as Error));

/** Node hides the reason of a refused connection in an AggregateError without a message. */
export function describe(error: Error): string {
  return error.message || (error as NodeJS.ErrnoException).code || String(error);
}
