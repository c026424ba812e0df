import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isAbsolute } from 'node:path';
import { uploadedHash } from 'simili/internal/catalog/uploaded-picture';
import { SimiliError } from 'simili/internal/errors';
import { Agent, buildConnector, request } from 'undici';
import { ForbiddenAddress, forbidden, reasonOf, unreachable } from './fetch-errors.ts';
import type { Fetched, Revision } from './fetched.ts';
import { checkedUrl, type Guard, guardedLookup } from './guard.ts';
import { type HostGate, openHostGate, retryAfterSeconds } from './host-gate.ts';
import { isPublicAddress } from './public-address.ts';
import { readBody } from './read-body.ts';
import { readLocal } from './read-local.ts';
import { readUploaded, type Uploads } from './read-uploaded.ts';

const MAX_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export type FetchLimits = {
  maxBytes: number;
  /** Time of the whole transfer, redirects included; waiting for a free connection is not counted. */
  timeoutMs: number;
  /** Also fetch from loopback, private and other non-public addresses. */
  allowPrivate: boolean;
  /** Only from these hosts, `*.shop.test` for all below one; default: from all. */
  hosts?: readonly string[];
};
export type FetchOptions = FetchLimits & {
  /** Name resolution; default: the system's. */
  lookup?: typeof systemLookup;
  /** Which addresses may be connected to; default: public ones, or all with `allowPrivate`. */
  isAllowed?: (address: string) => boolean;
  /** Opens the connections, by the given lookup; default: undici's. */
  makeConnector?: (options: { lookup: LookupFunction }) => buildConnector.connector;
  gate?: HostGate;
  /** Pictures that were sent as files; default: none is read. */
  uploads?: Uploads;
};

export type PictureFetcher = {
  /**
   * A picture: an http(s) URL, the canonical path of a file, which is read without following links, or one that was sent as a file.
   * @param known what was fetched before: null comes back when the source is still the same
   * @throws SimiliError IMAGE_FORBIDDEN (address, link), IMAGE_UNREACHABLE (host, status, time: may work later),
   * IMAGE_TOO_LARGE, IMAGE_UNREADABLE (file, packing); the signal's reason when it aborts.
   */
  fetch(source: string, signal?: AbortSignal): Promise<Fetched>;
  fetch(source: string, signal: AbortSignal | undefined, known: Revision | null): Promise<Fetched | null>;
  close(): Promise<void>;
};

/**
 * Fetches what strangers name, hence checks every address at the moment of connecting (a name may resolve to something
 * else by then), follows at most 3 redirects, and reads no more than `maxBytes` whatever the headers promise. Hosts are
 * asked by the manners of `openHostGate`.
 */
export function openPictureFetcher(options: FetchOptions): PictureFetcher {
  const { allowPrivate, lookup = systemLookup, isAllowed = allowPrivate ? () => true : isPublicAddress } = options;
  const { makeConnector = buildConnector, gate = openHostGate(), hosts = [], uploads, maxBytes } = options;
  const agent = new Agent({ connect: makeConnector({ lookup: guardedLookup(lookup, isAllowed) }) });
  const transfer = { ...options, agent, isAllowed, gate, hosts };
  const fetch = (async (source: string, signal?: AbortSignal, known: Revision | null = null) => {
    if (isAbsolute(source)) return readLocal(source, maxBytes, known);
    const hash = uploads ? uploadedHash(source) : null;
    return hash === null
      ? follow(source, transfer, known, signal)
      : readUploaded(uploads!, hash, source, maxBytes, known);
  }) as PictureFetcher['fetch'];
  return { fetch, close: () => agent.destroy() };
}

type Transfer = Guard & { agent: Agent; gate: HostGate; maxBytes: number; timeoutMs: number };

async function follow(
  source: string,
  transfer: Transfer,
  known: Revision | null,
  signal?: AbortSignal,
): Promise<Fetched | null> {
  const { gate } = transfer;
  let url = checkedUrl(source, source, transfer);
  let leftMs = transfer.timeoutMs;
  for (let redirects = 0; ; redirects++) {
    const { host } = url;
    const answer = await gate.use(
      host,
      async () => {
        const rest = gate.restOf(host);
        if (rest > 0) throw unreachable(source, 'its host is left alone for a while', { seconds: rest, asked: false });
        const since = performance.now();
        const result = await askOnce(url, source, { ...transfer, leftMs }, known, signal);
        leftMs -= performance.now() - since;
        return result;
      },
      signal,
    );
    if (answer === null || !('location' in answer)) return answer;
    if (redirects === MAX_REDIRECTS) throw unreachable(source, `more than ${MAX_REDIRECTS} redirects`);
    url = checkedUrl(answer.location, source, transfer, url);
  }
}

/** One request to one host, which is remembered by how it took it. */
async function askOnce(
  url: URL,
  source: string,
  transfer: Transfer & { leftMs: number },
  known: Revision | null,
  signal?: AbortSignal,
): Promise<Fetched | { location: string } | null> {
  const { gate } = transfer;
  const timeout = AbortSignal.timeout(Math.max(1, Math.round(transfer.leftMs)));
  const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
  try {
    const answer = await answerOf(url, source, transfer, known, either);
    gate.tell(url.host, { failed: false });
    return answer;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof ForbiddenAddress) throw forbidden(source, error.message, true);
    const restSeconds = error instanceof HostInTrouble ? error.restSeconds : 0;
    // An answer like 404 is the host's good right: it is there.
    gate.tell(url.host, { failed: !(error instanceof SimiliError), restSeconds });
    if (error instanceof SimiliError) throw error;
    throw unreachable(source, reasonOf(error, transfer.timeoutMs), { seconds: restSeconds });
  }
}

/** Trouble of the host, not of the one picture that was asked for: 429, 5xx. */
class HostInTrouble extends Error {
  constructor(
    statusCode: number,
    readonly restSeconds: number,
  ) {
    super(`its host answered ${statusCode}`);
  }
}

async function answerOf(
  url: URL,
  source: string,
  { agent: dispatcher, maxBytes }: Transfer,
  known: Revision | null,
  signal: AbortSignal,
): Promise<Fetched | { location: string } | null> {
  const headers = {
    accept: 'image/*',
    'accept-encoding': 'identity', // a compressed body could grow past any limit
    'user-agent': 'simili',
    ...(known?.etag && { 'if-none-match': known.etag }),
    ...(known?.lastModified && { 'if-modified-since': known.lastModified }),
  };
  const { statusCode, headers: answered, body } = await request(url, { dispatcher, signal, headers });
  if (statusCode === 200) {
    const bytes = await readBody(body, answered, source, maxBytes);
    return { bytes, revision: { etag: text(answered.etag), lastModified: text(answered['last-modified']) } };
  }
  body.on('error', () => {}).destroy();
  if (statusCode === 304 && known) return null;
  if (REDIRECTS.has(statusCode) && typeof answered.location === 'string') return { location: utf8(answered.location) };
  if (statusCode === 429 || statusCode >= 500)
    throw new HostInTrouble(statusCode, retryAfterSeconds(answered['retry-after']));
  throw unreachable(source, `its host answered ${statusCode}`);
}

/** A header's value if it can be sent back as it came. */
const text = (value: string | string[] | undefined): string | null =>
  typeof value === 'string' && value.length <= 1000 && /^[\x20-\x7e]+$/.test(value) ? value : null;

/** Header bytes arrive as Latin-1; many hosts write UTF-8, as browsers read it. */
function utf8(header: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(header, 'latin1'));
  } catch {
    return header;
  }
}
