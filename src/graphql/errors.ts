import type { GraphQLFormattedError } from 'graphql';
import type { Log } from '../log.ts';
import { internalError } from './mask.ts';

/**
 * The answer of our own server to an error: always `extensions.code` and `extensions.retry`. Codes of GraphQL itself
 * (a query that does not parse, a wrong enum value) stay as they are; an error without a code is one of ours.
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
