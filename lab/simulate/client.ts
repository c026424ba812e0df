import { setTimeout as pause } from 'node:timers/promises';
import { SimiliError } from 'simili/internal/errors';

/** One GraphQL request. @returns `data`, only when there was no error at all. @throws SimiliError SERVER_UNREACHABLE, SERVER_REFUSED. */
export type Ask = <T>(query: string, variables?: object) => Promise<T>;

/** Where and how to ask. `waitMs`: before the second attempt; it doubles from one to the next. */
export type Endpoint = { url: string; key?: string; catalog?: string | undefined; waitMs?: number };

type Answer = { data?: unknown; errors?: { message: string; extensions?: { code?: string; retryAfter?: number } }[] };

const ATTEMPTS = 4;
const TIMEOUT_MS = 60_000;
const PASSING = new Set(['INTERNAL', 'INTERNAL_SERVER_ERROR', 'DATABASE_UNAVAILABLE']);

/**
 * Asks again after what may pass: no connection, a broken gateway, INTERNAL. All that simulate sends may be sent twice.
 * A server that says when it will hear more is waited for, however often.
 */
export function makeAsk({ url, key, catalog, waitMs = 200 }: Endpoint): Ask {
  const headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    ...(catalog === undefined ? {} : { 'simili-catalog': catalog }),
  };
  return async <T>(query: string, variables: object = {}): Promise<T> => {
    for (let attempt = 1; ; ) {
      try {
        return (await askOnce(url, headers, { query, variables })) as T;
      } catch (error) {
        const seconds = secondsToWait(error);
        if (seconds === undefined && (attempt === ATTEMPTS || !mayPass(error))) throw error;
        await pause(seconds === undefined ? waitMs * 2 ** (attempt++ - 1) : seconds * 1000);
      }
    }
  };
}

/** Did the server say no with this code? */
export const isRefusal = (error: unknown, code: string): boolean => refusalCode(error) === code;

async function askOnce(url: string, headers: Record<string, string>, body: object): Promise<unknown> {
  const { status, text } = await post(url, headers, body);
  const answer = parse(text);
  const [error] = answer.errors ?? [];
  if (error)
    throw new SimiliError('SERVER_REFUSED', {
      url,
      code: error.extensions?.code ?? `${status}`,
      why: error.message,
      retryAfter: error.extensions?.retryAfter,
    });
  if (status >= 500) throw new SimiliError('SERVER_UNREACHABLE', { url, why: `status ${status}` });
  if (!answer.data)
    throw new SimiliError('SERVER_REFUSED', { url, code: `${status}`, why: 'this is no GraphQL answer' });
  return answer.data;
}

async function post(
  url: string,
  headers: Record<string, string>,
  body: object,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    throw new SimiliError('SERVER_UNREACHABLE', { url, why: reasonOf(error) });
  }
}

function parse(text: string): Answer {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? (answer as Answer) : {};
  } catch {
    return {};
  }
}

const mayPass = (error: unknown): boolean =>
  error instanceof SimiliError && (error.code === 'SERVER_UNREACHABLE' || PASSING.has(refusalCode(error) ?? ''));

function secondsToWait(error: unknown): number | undefined {
  if (refusalCode(error) !== 'RATE_LIMITED') return undefined;
  return (error as SimiliError<'SERVER_REFUSED'>).facts.retryAfter;
}

function refusalCode(error: unknown): string | undefined {
  if (!(error instanceof SimiliError) || error.code !== 'SERVER_REFUSED') return undefined;
  return (error as SimiliError<'SERVER_REFUSED'>).facts.code;
}

/** `fetch` says "fetch failed"; the reason is its cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  return cause?.code ?? (cause?.message || message);
}
