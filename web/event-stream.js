import { ApiError, codeOf, post, refusal } from './api.js';

/**
 * A GraphQL subscription over one server-sent event stream (graphql-sse, distinct connections). Ends when the server
 * says `complete`.
 * @template T
 * @param {string} path
 * @param {string} query
 * @param {Record<string, unknown>} variables
 * @param {{ key: string, signal: AbortSignal }} options
 * @returns {AsyncGenerator<T, void, void>} the `data` of each event
 * @throws {ApiError} also when the stream ends without `complete`; an abort stays an AbortError
 */
export async function* subscribe(path, query, variables, { key, signal }) {
  const response = await post(path, { query, variables }, { accept: 'text/event-stream', key, signal });
  if (!response.ok || !response.body) throw refusal(response.status);
  for await (const { event, data } of events(response.body)) {
    if (event === 'complete') return;
    if (event !== 'next' || !data) continue;
    const result = JSON.parse(data);
    const [error] = result.errors ?? [];
    if (error) throw new ApiError(error.message, codeOf(error));
    yield result.data;
  }
  throw new ApiError('The connection was lost.', { code: 'UNREACHABLE', retry: true });
}

/**
 * The blocks of an event stream. Comments (keep-alives) have neither event nor data.
 * @param {ReadableStream<Uint8Array>} body
 */
async function* events(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(lost);
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const blocks = text.split(/\r?\n\r?\n/);
      text = blocks.pop() ?? '';
      yield* blocks.map(parse);
    }
  } finally {
    reader.cancel().catch(() => {}); // a stream that broke cannot be cancelled, and need not be
  }
}

/** @param {Error} error @returns {never} */
function lost(error) {
  if (error.name === 'AbortError') throw error;
  throw new ApiError('The connection was lost.', { code: 'UNREACHABLE', retry: true });
}

/** @param {string} block */
function parse(block) {
  const field = (/** @type {string} */ name) =>
    block
      .split(/\r?\n/)
      .filter((line) => line.startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).replace(/^ /, ''))
      .join('\n');
  return { event: field('event'), data: field('data') };
}
