import { SimiliError } from './errors.ts';

type Extensions = { code?: string; retry?: boolean; retryAfter?: number };
type Body = { data?: Record<string, unknown> | null; errors?: { message: string; extensions?: Extensions }[] } | null;

/** Codes of GraphQL servers that do not say whether to try again. */
const CALLERS_FAULT = /^(BAD|GRAPHQL)_/;

/**
 * One POST, and a field of its GraphQL answer. `at`: when that was made, by the server's clock; NaN where the page is not shown it.
 * @throws SimiliError as the server says it; UNREACHABLE where nothing came, or nothing of Simili's (a proxy's page, say). An abort stays an AbortError.
 */
export async function answerTo<T>(url: string, request: RequestInit, field: string): Promise<{ value: T; at: number }> {
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', ...request });
  } catch (error) {
    if (request.signal?.aborted) throw error;
    throw new SimiliError('Simili cannot be reached', 'UNREACHABLE', true);
  }
  const body = (await response.json().catch(() => null)) as Body;
  request.signal?.throwIfAborted();
  const value = body?.data?.[field];
  if (value) return { value: value as T, at: Date.parse(response.headers.get('date') ?? '') };
  const [error] = body?.errors ?? [];
  const extensions: Extensions = error?.extensions ?? {};
  const { code = 'UNREACHABLE', retry = !CALLERS_FAULT.test(code), retryAfter } = extensions;
  const wait = retryAfter ?? (Number(response.headers.get('retry-after')) || undefined);
  throw new SimiliError(error?.message ?? `Simili answered with status ${response.status}`, code, retry, wait);
}
