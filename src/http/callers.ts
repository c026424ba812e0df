import type { Request, RequestHandler, Response } from 'express';
import { LRUCache } from 'lru-cache';
import { SimiliError } from '../errors.ts';
import { keptIn } from '../kept-in.ts';
import {
  type Authenticator,
  CATALOG_HEADER,
  type Caller,
  type Credentials,
  type KeyScope,
  wrongCatalog,
} from '../ports/authenticator.ts';
import { refuseFor } from './refuse.ts';

/** Keys whose callers are remembered, and for how long, ms: a little longer than the lists of before are shown. */
const MOST_REMEMBERED = 1000;
const REMEMBERED_MS = 10 * 60_000;

const callers = keptIn<Request, Caller>();
/** Requests by GET whose caller is whoever a request without any header is from. */
const anonymous = new WeakSet<Request>();

/** Bounds who guesses keys. */
export type WrongKeys = {
  /**
   * Asks whose key it is, where its address may guess: of one as many are under way as it may still get wrong, and others wait for those.
   * @returns null: nobody's. Undefined: refused, whoever's it is
   */
  guess<T>(req: Request, res: Response, ask: () => Promise<T | null>): Promise<T | null | undefined>;
};

/** Whoever has one of these may ask the admin API at all; which fields, `mayAsk` says. */
const OFFICE: readonly KeyScope[] = ['catalog', 'operate'];

/**
 * For `authorize` of a guard: whether the request of a GraphQL context was let in with a scope. A handler that is mounted beside
 * `requireKey` and `identify` answers nobody.
 * @throws SimiliError FORBIDDEN: its key may do other things.
 */
export function mayAsk(context: object, scope: KeyScope): boolean {
  const caller = callers.get((context as { req: Request }).req);
  if (caller && !caller.scopes.includes(scope)) throw new SimiliError('FORBIDDEN', { why: `needs the scope ${scope}` });
  return caller !== undefined;
}

/** A name for the one who opened the admin API, behind `requireKey`: no two callers have the same. */
export const keyHolderOf = (req: Request): string => {
  const { name = '', catalog = null } = callers.get(req) ?? {};
  return JSON.stringify([name, catalog]);
};

/** Whether the answer to a request by GET is the same for all who ask it: its caller is nobody in particular, and sent no key. */
export const isAnonymous = (context: object): boolean => anonymous.has((context as { req: Request }).req);

/**
 * A key that opens the admin API, or 401. Whoever guessed too often is not heard for a while, right or wrong: an answer would
 * tell that he guessed right, and asking costs looks into the database.
 */
export const requireKey =
  (authenticator: Authenticator, wrongKeys: WrongKeys): RequestHandler =>
  async (req, res, next) => {
    const credentials = credentialsOf(req);
    const { key } = credentials;
    const asked = () => authenticator.authenticate(credentials);
    const caller = key === null ? await asked() : await wrongKeys.guess(req, res, asked);
    if (caller === undefined) return;
    if (caller !== null && isOffice(caller)) return admit(req, res, caller, next);
    if (key !== null && caller !== null) return forbid(res, `needs the scope ${OFFICE.join(' or ')}`);
    refuseFor(res.set('WWW-Authenticate', 'Bearer'), new SimiliError('UNAUTHENTICATED'));
  };

/**
 * Whether the key that opened the admin API for a request still does, and for the same caller: who is let in once may stay for days. What cannot be
 * asked ends nothing.
 */
export const isStillAdmitted =
  (authenticator: Authenticator) =>
  async (req: Request): Promise<boolean> => {
    const before = callers.get(req);
    try {
      const caller = await authenticator.authenticate(credentialsOf(req));
      return before !== undefined && caller !== null && isSame(before, caller) && isOffice(caller);
    } catch {
      return true;
    }
  };

/** Finds out who asks the storefront. What that caller may not do, each field says for itself. */
export const identify = (authenticator: Authenticator): RequestHandler => {
  const callerOf = whileAway(authenticator);
  return async (req, res, next) => {
    const credentials = credentialsOf(req);
    const known = await callerOf(credentials);
    const caller =
      known ?? (credentials.key === null ? null : await authenticator.authenticate({ ...credentials, key: null }));
    if (
      caller !== null &&
      req.method === 'GET' &&
      credentials.key === null &&
      isSame(caller, await authenticator.authenticate({ ...credentials, header: without(credentials) }))
    )
      anonymous.add(req);
    // Another caller may be told by what these say: what a cache keeps is for those alone who say the same.
    if (credentials.asked.size > 0) res.vary([...credentials.asked].join(', '));
    if (caller === null) return next();
    admit(req, res, caller, next);
  };
};

/**
 * Asks whose key it is, and while the database cannot say so, tells whose it was of late; else it counts as none, so that whoever sends a key of something else
 * has the last lists as everybody. A caller that was told by headers as well is not remembered.
 */
function whileAway(authenticator: Authenticator): (sent: Sent) => Promise<Caller | null> {
  const remembered = new LRUCache<string, Caller>({ max: MOST_REMEMBERED, ttl: REMEMBERED_MS });
  return async (sent) => {
    const { key } = sent;
    if (key === null) return authenticator.authenticate(sent);
    try {
      const caller = await authenticator.authenticate(sent);
      if (caller !== null && sent.asked.size === 0) remembered.set(key, caller);
      else remembered.delete(key);
      return caller;
    } catch (error) {
      if (!isAway(error)) throw error;
      return remembered.get(key) ?? null;
    }
  };
}

const isAway = (error: unknown): boolean =>
  error instanceof SimiliError && (error.code === 'DATABASE_UNAVAILABLE' || error.code === 'DEADLINE_EXCEEDED');

/** A request without any header. */
const without =
  ({ asked }: Sent): Credentials['header'] =>
  (name) => {
    asked.add(name);
    return null;
  };

const isOffice = ({ scopes }: Caller): boolean => OFFICE.some((scope) => scopes.includes(scope));
const isSame = (a: Caller, b: Caller | null): boolean => a.name === b?.name && a.catalog === b.catalog;

function admit(req: Request, res: Response, caller: Caller, next: () => void): void {
  const why = wrongCatalog(caller, req.headers[CATALOG_HEADER]?.toString() ?? null);
  if (why !== null) {
    forbid(res, why);
    return;
  }
  if (caller.catalog !== null) req.headers[CATALOG_HEADER] = caller.catalog;
  callers.set(req, caller);
  next();
}

const forbid = (res: Response, why: string): void => refuseFor(res, new SimiliError('FORBIDDEN', { why }));

/** `asked`: names of the headers that were looked at. */
type Sent = Credentials & { readonly asked: Set<string> };

function credentialsOf(req: Request): Sent {
  const [, key = null] = /^Bearer (\S+)$/i.exec(req.headers.authorization ?? '') ?? [];
  const asked = new Set<string>();
  const header = (name: string): string | null => {
    asked.add(name);
    return req.headers[name]?.toString() ?? null;
  };
  return { key, header, asked };
}
