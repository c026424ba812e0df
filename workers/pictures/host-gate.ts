import { makePool, type Pool } from '../tools/pool.ts';

/** Connections to one host at once: a shop's own server is asked for its whole catalog, and has shoppers too. */
const PER_HOST = 4;
/** Failures in a row after which a host is left alone, and for how long, seconds: doubled each time, up to the most. */
const FAILURES = 5;
const REST_SECONDS = 30;
const MOST_REST_SECONDS = 600;
/** Hosts that are kept in mind; above it those at peace are forgotten. */
const MOST_REMEMBERED = 1000;

/** How a host took a request. `restSeconds`: it asked to be left alone for that long. */
export type Outcome = { failed: boolean; restSeconds?: number };

export type HostGate = {
  /** Seconds until the host may be asked again; 0: now. */
  restOf(host: string): number;
  /** Runs a task that asks this host once, when a connection is free. Rejects with the signal's reason while waiting. */
  use<T>(host: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  tell(host: string, outcome: Outcome): void;
};

type Host = { pool: Pool<number>; inside: number; failures: number; restUntil: number };

/**
 * Good manners towards hosts, by name and port: at most `perHost` connections, and none for a while after a host asked for
 * that (429 or 503 with Retry-After) or failed five times in a row. After a rest one failure more is enough for the next.
 * @param now milliseconds; default: the clock's.
 */
export function openHostGate({ perHost = PER_HOST, now = Date.now } = {}): HostGate {
  const hosts = new Map<string, Host>();
  const forget = () => {
    for (const [name, { inside, restUntil }] of hosts) if (inside === 0 && restUntil <= now()) hosts.delete(name);
  };
  const hostOf = (name: string): Host => {
    const known = hosts.get(name);
    if (known) return known;
    if (hosts.size >= MOST_REMEMBERED) forget();
    const pool = makePool(Array.from({ length: perHost }, (_, slot) => slot));
    const host = { pool, inside: 0, failures: 0, restUntil: 0 };
    hosts.set(name, host);
    return host;
  };
  const restOf = (name: string): number => Math.max(0, ((hosts.get(name)?.restUntil ?? 0) - now()) / 1000);
  return {
    restOf,
    async use(name, task, signal) {
      const host = hostOf(name);
      host.inside += 1;
      try {
        return await host.pool.use(task, signal);
      } finally {
        host.inside -= 1;
        if (host.inside === 0 && host.failures === 0 && restOf(name) === 0) hosts.delete(name);
      }
    },
    tell(name, { failed, restSeconds = 0 }) {
      const host = hostOf(name);
      host.failures = failed ? host.failures + 1 : 0;
      const over = host.failures - FAILURES;
      const own = over >= 0 ? Math.min(REST_SECONDS * 2 ** over, MOST_REST_SECONDS) : 0;
      host.restUntil = Math.max(host.restUntil, now() + 1000 * Math.max(own, restSeconds));
    },
  };
}

/** The longest that a host's Retry-After is believed, seconds. */
const MOST_RETRY_AFTER = 6 * 3600;

/** Seconds that a Retry-After header asks for, as a number or as a date; 0 to 6 hours. */
export function retryAfterSeconds(header: string | string[] | undefined, now = Date.now()): number {
  const text = (Array.isArray(header) ? header[0] : header)?.trim() ?? '';
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - now) / 1000;
  return Number.isNaN(seconds) ? 0 : Math.min(Math.max(0, Math.ceil(seconds)), MOST_RETRY_AFTER);
}
