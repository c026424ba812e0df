/** A call that gave no answer, or a no. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {{ code: string, retry: boolean }} facts code as in docs/errors.md, or UNREACHABLE. retry: may the same call succeed later?
   */
  constructor(message, { code, retry }) {
    super(message);
    this.code = code;
    this.retry = retry;
  }
}

/**
 * One GraphQL request. Answers `data` only when there was no error at all.
 * @template T
 * @param {string} path
 * @param {string} query
 * @param {Record<string, unknown>} [variables]
 * @param {{ key?: string | null, keepalive?: boolean, signal?: AbortSignal }} [options] keepalive: outlives the page (64 KiB at most)
 * @returns {Promise<T>}
 * @throws {ApiError}
 */
export async function ask(path, query, variables = {}, { key, keepalive = false, signal } = {}) {
  const response = await post(path, { query, variables }, { key, keepalive, signal, accept: 'application/json' });
  const body = await response.json().catch(() => null);
  signal?.throwIfAborted();
  const [error] = body?.errors ?? [];
  if (error) throw new ApiError(error.message, codeOf(error));
  if (!body?.data) throw refusal(response.status);
  return body.data;
}

/**
 * @param {string} path
 * @param {{ query: string, variables: Record<string, unknown> }} body
 * @param {{ accept: string, key?: string | null | undefined, keepalive?: boolean, signal?: AbortSignal | undefined }} options
 * @returns {Promise<Response>}
 * @throws {ApiError} UNREACHABLE; an abort stays an AbortError.
 */
export async function post(path, body, { accept, key, keepalive = false, signal }) {
  try {
    return await fetch(path, {
      method: 'POST',
      headers: { accept, 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) },
      body: JSON.stringify(body),
      keepalive,
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('The server cannot be reached.', { code: 'UNREACHABLE', retry: true });
  }
}

/**
 * @param {{ extensions?: { code?: string, retry?: boolean } }} error
 * @returns {{ code: string, retry: boolean }}
 */
export function codeOf({ extensions }) {
  return { code: extensions?.code ?? 'INTERNAL', retry: extensions?.retry ?? false };
}

/** Error of a status when the body is no GraphQL answer (a proxy's page, say). @param {number} status */
export function refusal(status) {
  if (status === 401 || status === 403) {
    return new ApiError('The server refused the key.', { code: 'UNAUTHENTICATED', retry: false });
  }
  return new ApiError(`The server answered with status ${status}.`, {
    code: status >= 500 || status === 429 ? 'UNREACHABLE' : 'INTERNAL',
    retry: status >= 500 || status === 429,
  });
}
