/** Codes that a storefront may meet: those of docs/errors.md, and UNREACHABLE, which is the client's own: no answer, or none of Simili's. */
export type SimiliErrorCode =
  | 'BAD_REQUEST'
  | 'BAD_USER_INPUT'
  | 'CATALOG_UNKNOWN'
  | 'CURSOR_INVALID'
  | 'CURSOR_RETIRED'
  | 'DATABASE_UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'
  | 'DOCUMENT_UNKNOWN'
  | 'EXTENSION_FAILED'
  | 'FORBIDDEN'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'INTERNAL'
  | 'INVALID_ARGUMENT'
  | 'RATE_LIMITED'
  | 'TOO_COSTLY'
  | 'UNAUTHENTICATED'
  | 'UNREACHABLE';

/** A call that gave no list. */
export class SimiliError extends Error {
  override readonly name = 'SimiliError';
  /**
   * @param code of this client's version, or one that a newer server has
   * @param retry may the same call succeed later?
   * @param retryAfter seconds until then, where the server says so
   */
  constructor(
    message: string,
    readonly code: SimiliErrorCode | (string & {}),
    readonly retry: boolean,
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}
