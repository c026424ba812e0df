import type { Request, RequestHandler, Response } from 'express';
import { isLoopback, networkOf } from '../addresses.ts';
import type { Config } from '../config.ts';
import { SimiliError } from '../errors.ts';
import type { Allowance } from '../graphql/allowance.ts';
import type { Log } from '../log.ts';
import { keyHolderOf, type WrongKeys } from './callers.ts';
import { refuse } from './refuse.ts';
import { whenOver } from './request-over.ts';
import { makeTokenBuckets, type TokenBuckets } from './token-buckets.ts';

type Settings = Pick<
  Config,
  | 'SIMILI_TRUSTED_HOPS'
  | 'SIMILI_QUERY_RATE'
  | 'SIMILI_FEEDBACK_RATE'
  | 'SIMILI_PICTURE_RATE'
  | 'SIMILI_ADMIN_RATE'
  | 'SIMILI_WRONG_KEYS_PER_MINUTE'
>;
/** `ease`: how many times its share it may ask for. */
type Caller = { readonly name: string; readonly ease: number };

/** Buckets hold what flows in ten seconds: a page asks for much at once and then for nothing. */
const BURST_SECONDS = 10;
/** A process of this machine can take its time in other ways, and tests, benchmarks and simulations are such. */
const OWN_MACHINE = 10;
/** A page shows dozens of pictures, each a file and one indexed read. */
const PICTURE = 0.1;
const STREAMS = { perSecond: 1, burst: 30 };
/** Pictures that one caller sends at once, a quarter of what a process receives: who sends slowly holds up nobody else. */
const PICTURES_AT_ONCE = 4;
/** Requests with files for the catalog that are received at once: of one address, and of all. Each is held in memory, up to 32 MB and a copy. */
const FILES_AT_ONCE = { each: 4, all: 8 };
/** Nobody in particular. */
const ALL: Caller = { name: '', ease: 1 };
const COME_BACK_SECONDS = 2;

/** Who may ask for how much: docs/limits.md. All refuse with 429 RATE_LIMITED. */
export type Limits = {
  /** One request of the storefront. */
  readonly query: RequestHandler;
  readonly picture: RequestHandler;
  /** A picture that is sent to search by: how often, and how many at once. */
  readonly sentPicture: RequestHandler[];
  /** A request with files for the catalog: how many at once. */
  readonly sentFiles: RequestHandler[];
  /** One request of whoever has a right key, and one progress stream. */
  readonly admin: RequestHandler;
  readonly stream: RequestHandler;
  readonly wrongKeys: WrongKeys;
  /** How much a caller may send with a request: of the storefront, and of the admin API. Known when the body was read. */
  ofShopper(req: Request): Allowance;
  ofKeyHolder(req: Request): Allowance;
};

/** @param now milliseconds of a clock that never goes back. */
export function makeLimits(config: Settings, log: Log, now: () => number): Limits {
  const rate = (perSecond: number) => makeTokenBuckets({ perSecond, burst: perSecond * BURST_SECONDS }, now);
  const queries = rate(config.SIMILI_QUERY_RATE);
  const feedback = rate(config.SIMILI_FEEDBACK_RATE);
  const pictures = rate(config.SIMILI_PICTURE_RATE);
  const admin = rate(config.SIMILI_ADMIN_RATE);
  const streams = makeTokenBuckets(STREAMS, now);
  const callerOf = makeCallerOf(config, log);
  const keyHolder = (req: Request): Caller => ({ name: keyHolderOf(req), ease: callerOf(req).ease });
  const take = (buckets: TokenBuckets, { name, ease }: Caller, tokens: number): void => {
    const wait = buckets.take(name, tokens / ease);
    if (wait > 0) throw new SimiliError('RATE_LIMITED', { retryAfter: wait });
  };
  const allowanceOf =
    (callerOf: (req: Request) => Caller) =>
    (req: Request): Allowance => ({
      feedback: (events) => take(feedback, callerOf(req), events),
      namedPicture: () => take(pictures, callerOf(req), 1),
    });
  return {
    query: limited(queries, callerOf, 1),
    picture: limited(queries, callerOf, PICTURE),
    sentPicture: [limited(pictures, callerOf, 1), fewAtOnce(callerOf, PICTURES_AT_ONCE)],
    sentFiles: [fewAtOnce(callerOf, FILES_AT_ONCE.each), fewAtOnce(() => ALL, FILES_AT_ONCE.all)],
    admin: limited(admin, keyHolder, 1),
    stream: limited(streams, keyHolder, 1),
    wrongKeys: makeWrongKeys(config.SIMILI_WRONG_KEYS_PER_MINUTE, callerOf, now),
    ofShopper: allowanceOf(callerOf),
    ofKeyHolder: allowanceOf(keyHolder),
  };
}

const limited =
  (buckets: TokenBuckets, callerOf: (req: Request) => Caller, tokens: number): RequestHandler =>
  (req, res, next) => {
    const { name, ease } = callerOf(req);
    const wait = buckets.take(name, tokens / ease);
    if (wait > 0) return tooMany(res, wait);
    next();
  };

/** Before anything of a body is read. */
function fewAtOnce(callerOf: (req: Request) => Caller, most: number): RequestHandler {
  const inside = new Map<string, number>();
  const change = (name: string, by: number): void => {
    const now = (inside.get(name) ?? 0) + by;
    if (now > 0) inside.set(name, now);
    else inside.delete(name);
  };
  return (req, res, next) => {
    const { name, ease } = callerOf(req);
    if ((inside.get(name) ?? 0) >= most * ease) return tooMany(res, COME_BACK_SECONDS);
    change(name, 1);
    whenOver(res, () => change(name, -1));
    next();
  };
}

/** Guesses of one address that nobody has judged yet. */
type UnderWay = { readonly count: number; readonly oneEnds: Promise<void>; end(): void };

/** @param perMinute 0: no limit */
function makeWrongKeys(perMinute: number, callerOf: (req: Request) => Caller, now: () => number): WrongKeys {
  const wrong = makeTokenBuckets({ perSecond: perMinute / 60, burst: perMinute }, now);
  const underWay = new Map<string, UnderWay>();
  const begin = (name: string): void => {
    const others = underWay.get(name) ?? { count: 0, ...nextEnd() };
    underWay.set(name, { ...others, count: others.count + 1 });
  };
  const end = (name: string): void => {
    const { count, end } = underWay.get(name)!;
    if (count > 1) underWay.set(name, { count: count - 1, ...nextEnd() });
    else underWay.delete(name);
    end();
  };
  /** Begins, where it may. @returns false: too many were wrong, also of those that were waited for */
  const begun = async (name: string): Promise<boolean> => {
    for (;;) {
      if (wrong.waitFor(name) > 0) return false;
      const others = underWay.get(name);
      if (!others || (others.count < perMinute && wrong.waitFor(name, others.count + 1) === 0)) {
        begin(name);
        return true;
      }
      await others.oneEnds;
    }
  };
  return {
    async guess(req, res, ask) {
      if (perMinute === 0) return ask();
      const { name } = callerOf(req);
      if (!(await begun(name))) return tooMany(res, wrong.waitFor(name));
      try {
        const found = await ask();
        const wait = wrong.waitFor(name);
        if (wait > 0) return tooMany(res, wait);
        if (found === null) wrong.take(name);
        return found;
      } finally {
        end(name);
      }
    },
  };
}

function nextEnd(): Omit<UnderWay, 'count'> {
  let end = () => {};
  const oneEnds = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { oneEnds, end };
}

/** Whatever lies behind such a request on its connection goes with it. Not where a body may be on its way: the answer would be lost as it arrives. */
function tooMany(res: Response, retryAfter: number): undefined {
  if (!hasBody(res.req)) res.set('Connection', 'close');
  const { message, extensions } = new SimiliError('RATE_LIMITED', { retryAfter });
  refuse(res.set('Retry-After', String(retryAfter)), 429, message, extensions);
}

const hasBody = ({ headers }: Request): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Whose request it is. Says once when a proxy nobody told of makes one caller of many. */
function makeCallerOf({ SIMILI_TRUSTED_HOPS: hops }: Settings, log: Log): (req: Request) => Caller {
  let told = false;
  return (req) => {
    const forwarded = req.headers['x-forwarded-for'] !== undefined;
    if (forwarded && hops === 0 && !told) {
      told = true;
      log.warn('X-Forwarded-For is not believed: all callers of that proxy share one limit; set SIMILI_TRUSTED_HOPS');
    }
    const own = isLoopback(req.socket.remoteAddress ?? '') && (hops === 0 || !forwarded);
    return { name: networkOf(req.ip ?? ''), ease: own ? OWN_MACHINE : 1 };
  };
}
