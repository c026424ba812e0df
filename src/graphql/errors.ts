import type { GraphQLFormattedError } from 'graphql';
import type { Log } from '../log.ts';
import { internalError } from './mask.ts';

/** Extensions of what is wrong with a request itself, whatever it asks. */
export const BAD_REQUEST = { code: 'BAD_REQUEST', retry: false } as const;

/**
 * The answer of our own server to an error: always `extensions.code` and `extensions.retry`. Codes of GraphQL itself
 * (a query that does not parse, a wrong enum value) stay as they are. Without a code it is one of ours, but where its HTTP status
 * says that it is the caller's: so Apollo refuses a hash of another document.
 */
export const makeFormatError =
  (log: Log) =>
  (formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError => {
    const known = codeOf(formatted.extensions);
    if (known && known !== 'INTERNAL_SERVER_ERROR')
      return {
        ...formatted,
        extensions: { retry: false, ...formatted.extensions },
      };
    if (isOfTheCaller(error)) return { ...formatted, extensions: { ...formatted.extensions, ...BAD_REQUEST } };
    const { message, extensions } = internalError(error, log);
    const { locations, path } = formatted;
    return {
      message,
      extensions,
      ...(locations ? { locations } : {}),
      ...(path ? { path } : {}),
    };
  };

const codeOf = (extensions: GraphQLFormattedError['extensions']): string | undefined =>
  extensions?.code as string | undefined;

/** Looks at the error itself: Apollo takes the status away from what it shows. */
function isOfTheCaller(error: unknown): boolean {
  const { extensions } = (error ?? {}) as { extensions?: { code?: unknown; http?: { status?: unknown } } };
  const status = extensions?.http?.status;
  return extensions?.code === undefined && typeof status === 'number' && status >= 400 && status < 500;
}
