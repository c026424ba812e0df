import { z } from 'zod';
import { SimiliError } from '../../src/errors.ts';

/** A file of a model of the hub. `hash` is what its content must have: git's for a small one, that of LFS for a large one. */
export type HubFile = { path: string; size: number; hash: { algorithm: 'sha256' | 'git'; hex: string } };
export type HubListing = {
  id: string;
  /** Commit: all files are of one. */
  revision: string;
  /** As the model's card says; null: it does not. */
  licence: string | null;
  files: HubFile[];
};

const ID = /^[A-Za-z0-9][\w.-]{0,95}(\/[A-Za-z0-9][\w.-]{0,95})?$/;
/** For an answer to begin; a body may take longer. */
const TIMEOUT_MS = 30_000;

const licence = z.union([z.string(), z.array(z.string())]).nullish();
const Model = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  cardData: z.object({ license: licence, license_name: z.string().nullish() }).nullish(),
});
const hex = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`));
const Entry = z.object({
  type: z.string(),
  path: z.string(),
  size: z.number().nullish(),
  oid: hex(40),
  lfs: z.object({ oid: hex(64), size: z.number() }).nullish(),
});

/**
 * A hub's listing of a model.
 * @param base its address: https, or this machine.
 * @param id `owner/name`
 * @throws SimiliError INVALID_ARGUMENT, SERVER_UNREACHABLE, SERVER_REFUSED.
 */
export async function askHub(base: string, id: string, revision: string): Promise<HubListing> {
  const root = addressOf(base);
  if (!ID.test(id)) throw new SimiliError('INVALID_ARGUMENT', { argument: 'id', why: `must be owner/name, not ${id}` });
  const model = await asked(`${root}/api/models/${id}/revision/${encodeURIComponent(revision)}`, Model);
  const entries = await asked(`${root}/api/models/${id}/tree/${model.sha}?recursive=true`, z.array(Entry));
  const { license, license_name: name } = model.cardData ?? {};
  const first = Array.isArray(license) ? license[0] : license;
  return {
    id,
    revision: model.sha,
    licence: (first === 'other' ? (name ?? first) : first) ?? null,
    files: entries.flatMap(({ type, path, size, oid, lfs }): HubFile[] => {
      if (type !== 'file') return [];
      if (lfs) return [{ path, size: lfs.size, hash: { algorithm: 'sha256', hex: lfs.oid } }];
      return [{ path, size: size ?? 0, hash: { algorithm: 'git', hex: oid } }];
    }),
  };
}

/** A file from a byte on. @returns the answer, of status 200, 206 or 416. @throws SimiliError as `askHub`. */
export const fetchFrom = (base: string, { id, revision }: HubListing, path: string, from: number): Promise<Response> =>
  answered(
    `${addressOf(base)}/${id}/resolve/${revision}/${path}`,
    from > 0 ? { range: `bytes=${from}-` } : {},
    from > 0 ? [416] : [],
  );

/** Nobody on the way may exchange what is to be run. */
function addressOf(base: string): string {
  const url = URL.canParse(base) ? new URL(base) : null;
  const isLocal = url !== null && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal)) return base.replace(/\/+$/, '');
  throw new SimiliError('INVALID_ARGUMENT', { argument: 'hub', why: `must begin with https://, not ${base}` });
}

async function asked<T>(url: string, shape: z.ZodType<T>): Promise<T> {
  const response = await answered(url, {}, []);
  const json: unknown = await response.json().catch(() => null);
  const parsed = shape.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new SimiliError('SERVER_REFUSED', {
    url,
    code: `${response.status}`,
    why: `this is no answer of a hub: ${z.prettifyError(parsed.error).split('\n', 1)[0]}`,
  });
}

async function answered(url: string, headers: Record<string, string>, allowed: readonly number[]): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
  const response = await fetch(url, { headers, signal: late.signal })
    .catch((error: Error) => {
      throw new SimiliError('SERVER_UNREACHABLE', { url, why: reasonOf(error) });
    })
    .finally(() => clearTimeout(timer));
  if (response.ok || allowed.includes(response.status)) return response;
  await response.body?.cancel();
  if (response.status >= 500)
    throw new SimiliError('SERVER_UNREACHABLE', { url, why: `it answered ${response.status}` });
  const isClosed = response.status === 401 || response.status === 403;
  throw new SimiliError('SERVER_REFUSED', {
    url,
    code: `${response.status}`,
    why: isClosed ? 'there is no such model, or its terms are to be accepted first: download it by hand' : 'not found',
  });
}

/** fetch tells what happened in the cause of its error. */
export const reasonOf = (error: Error): string => (error.cause instanceof Error ? error.cause : error).message;
