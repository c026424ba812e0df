type Headers = { get?: (name: string) => string | null } & Record<string, unknown>;

/**
 * A header of the request that a server put into the context which it makes, as `request` (graphql-yoga) or `req`; of Fetch's kind
 * or of Node's. Empty: there is none, or the context holds no request.
 * @param name in small letters.
 */
export function requestHeader(context: object, name: string): string {
  const { request, req } = (context ?? {}) as { request?: { headers?: Headers }; req?: { headers?: Headers } };
  const headers = (request ?? req)?.headers;
  return String((typeof headers?.get === 'function' ? headers.get(name) : headers?.[name]) ?? '');
}
