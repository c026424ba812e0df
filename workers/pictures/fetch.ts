import { lookup as systemLookup } from 'node:dns';
import { readFile, stat } from 'node:fs/promises';
import { isIP, type LookupFunction } from 'node:net';
import { isAbsolute } from 'node:path';
import { Agent, request } from 'undici';
import { SimiliError } from '../../src/errors.ts';
import { isPublicAddress } from './public-address.ts';

const MAX_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export type FetchLimits = {
  maxBytes: number;
  /** Of the whole transfer, redirects included. */
  timeoutMs: number;
  /** Also fetch from loopback, private and other non-public addresses. */
  allowPrivate: boolean;
};
export type FetchOptions = FetchLimits & {
  /** Name resolution; default: the system's. */
  lookup?: typeof systemLookup;
  /** Which addresses may be connected to; default: public ones, or all with `allowPrivate`. */
  isAllowed?: (address: string) => boolean;
};

export type PictureFetcher = {
  /**
   * The bytes of a picture: an http(s) URL, or the absolute path of a file.
   * @throws SimiliError IMAGE_FORBIDDEN (address), IMAGE_UNREACHABLE (host, status, time: may work later),
   * IMAGE_TOO_LARGE, IMAGE_UNREADABLE (file); the signal's reason when it aborts.
   */
  fetch(source: string, signal?: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
};

/**
 * Fetches what strangers name, hence checks every address at the moment of connecting (a name may resolve to something
 * else by then), follows at most 3 redirects, and reads no more than `maxBytes` whatever the headers promise.
 */
export function openPictureFetcher(options: FetchOptions): PictureFetcher {
  const { allowPrivate, lookup = systemLookup, isAllowed = allowPrivate ? () => true : isPublicAddress } = options;
  const agent = new Agent({
    connect: { lookup: guardedLookup(lookup, isAllowed) },
  });
  return {
    async fetch(source, signal) {
      if (isAbsolute(source)) return readLocal(source, options.maxBytes);
      const timeout = AbortSignal.timeout(options.timeoutMs);
      const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
      try {
        return await follow(source, {
          ...options,
          agent,
          isAllowed,
          signal: either,
        });
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (error instanceof ForbiddenAddress) throw forbidden(source, error.message);
        throw error instanceof SimiliError ? error : unreachable(source, reasonOf(error, options.timeoutMs));
      }
    },
    close: () => agent.destroy(),
  };
}

type Transfer = {
  agent: Agent;
  isAllowed: (address: string) => boolean;
  signal: AbortSignal;
  maxBytes: number;
};

async function follow(source: string, transfer: Transfer): Promise<Uint8Array> {
  let url = checkedUrl(source, source, transfer.isAllowed);
  for (let redirects = 0; ; redirects++) {
    const { agent: dispatcher, signal } = transfer;
    // identity: a compressed body could grow past any limit
    const headers = {
      accept: 'image/*',
      'accept-encoding': 'identity',
      'user-agent': 'simili',
    };
    const { statusCode, headers: answered, body } = await request(url, { dispatcher, signal, headers });
    if (statusCode === 200) return readBody(body, source, transfer.maxBytes, Number(answered['content-length']));
    body.on('error', () => {}).destroy();
    const { location } = answered;
    if (!REDIRECTS.has(statusCode) || typeof location !== 'string')
      throw unreachable(source, `its host answered ${statusCode}`);
    if (redirects === MAX_REDIRECTS) throw unreachable(source, `more than ${MAX_REDIRECTS} redirects`);
    url = checkedUrl(location, source, transfer.isAllowed, url);
  }
}

/** What can be told from the URL alone. Names are checked when they are resolved, literal addresses here. */
function checkedUrl(address: string, source: string, isAllowed: (address: string) => boolean, base?: URL): URL {
  const url = URL.canParse(address, base?.href) ? new URL(address, base?.href) : null;
  if (!url)
    throw forbidden(
      source,
      base ? 'it redirects to something that is no URL' : 'it is neither an absolute path nor a URL',
    );
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw forbidden(source, `${url.protocol} is not http: or https:`);
  if (url.username || url.password) throw forbidden(source, 'its URL carries a user name or a password');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) && !isAllowed(host)) throw forbidden(source, notPublic(host));
  return url;
}

/** Told by the lookup, which does not know the source. */
class ForbiddenAddress extends Error {
  constructor(address: string) {
    super(notPublic(address));
  }
}

/** A name with some allowed addresses is connected to at those only. */
function guardedLookup(lookup: typeof systemLookup, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, []);
      const allowed = found.filter(({ address }) => isAllowed(address));
      const [first] = allowed;
      if (!first) return callback(new ForbiddenAddress(found.map(({ address }) => address).join(', ')), []);
      return options.all ? callback(null, allowed) : callback(null, first.address, first.family);
    });
}

async function readBody(
  body: AsyncIterable<Uint8Array>,
  source: string,
  maxBytes: number,
  announced: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  // Leaving the loop by throwing destroys the body, and with it the connection.
  for await (const chunk of body) {
    total += chunk.length;
    if (Math.max(total, announced || 0) > maxBytes) throw tooLarge(source, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, total);
}

async function readLocal(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const found = await stat(path); // before opening: a FIFO would block
    if (!found.isFile()) throw unreadable(path, found.isDirectory() ? 'it is a folder' : 'it is not a file');
    if (found.size > maxBytes) throw tooLarge(path, maxBytes);
    return await readFile(path);
  } catch (error) {
    throw error instanceof SimiliError ? error : unreadable(path, localReason(error as NodeJS.ErrnoException));
  }
}

const localReason = ({ code, message }: NodeJS.ErrnoException): string => {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file';
  return code === 'EACCES' ? 'reading it is not permitted' : message;
};

function reasonOf(error: unknown, timeoutMs: number): string {
  const { name, code, message } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError') return `it took over ${timeoutMs / 1000} s`;
  const said: Record<string, string> = {
    ENOTFOUND: 'no such host',
    EAI_AGAIN: 'its name cannot be resolved now',
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection lost',
    UND_ERR_SOCKET: 'connection lost',
    UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  };
  return said[code ?? ''] ?? message;
}

const forbidden = (source: string, why: string) => new SimiliError('IMAGE_FORBIDDEN', { source, why });
const notPublic = (address: string) => `${address} is not a public address`;
const unreadable = (source: string, why: string) => new SimiliError('IMAGE_UNREADABLE', { source, why });
const unreachable = (source: string, why: string) => new SimiliError('IMAGE_UNREACHABLE', { source, why });
const tooLarge = (source: string, maxBytes: number) =>
  new SimiliError('IMAGE_TOO_LARGE', {
    source,
    why: `more than ${maxBytes} bytes`,
  });
