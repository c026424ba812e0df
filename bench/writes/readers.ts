import { Pool } from 'undici';
import { post } from '../post.ts';
import { percentile } from '../running.ts';

const PAGE = `query ($id: ID!) {
  similarItems(id: $id, first: 12) { status nodes { id title price { amount currencyCode } } } }`;

/** `seconds`: how long the phase was. */
export type Reading = {
  what: string;
  seconds: number;
  queriesPerSecond: number;
  p50: number;
  p95: number;
  p99: number;
  failed: number;
};
type Phase = { what: string; times: number[]; failed: number; since: number; seconds: number };

/**
 * Clients that ask for one page after the other. What they are told in a phase is counted to it.
 * @param anchor of the next page
 */
export function startReaders(url: string, clients: number, anchor: () => string) {
  const pool = new Pool(url, { connections: clients, pipelining: 1 });
  const phases = new Map<string, Phase>();
  let entered: readonly Phase[] = [];
  let isOver = false;
  const ask = async (own: readonly Phase[]) => {
    const since = performance.now();
    const answer = await post(pool, JSON.stringify({ query: PAGE, variables: { id: anchor() } }));
    const { data } = JSON.parse(answer) as { data?: { similarItems?: { status: string } | null } };
    for (const phase of own) {
      phase.times.push(performance.now() - since);
      if (data?.similarItems?.status !== 'OK') phase.failed += 1;
    }
  };
  const reading = Promise.all(
    Array.from({ length: clients }, async () => {
      while (!isOver) await ask(entered);
    }),
  );
  const leave = () => {
    for (const phase of entered) phase.seconds += (performance.now() - phase.since) / 1000;
    entered = [];
  };
  const begun = (what: string): Phase => {
    const phase = phases.get(what) ?? { what, times: [], failed: 0, since: 0, seconds: 0 };
    phases.set(what, phase);
    return Object.assign(phase, { since: performance.now() });
  };
  return {
    /** Begins phases, or goes on with them, and leaves all others. Before the first nothing counts. */
    enter(...whats: readonly string[]): void {
      if (whats.length === entered.length && whats.every((what, i) => entered[i]!.what === what)) return;
      leave();
      entered = whats.map(begun);
    },
    leave,
    async end(): Promise<Reading[]> {
      leave();
      isOver = true;
      await reading;
      await pool.close();
      return [...phases.values()].map(({ what, times, failed, seconds }) => {
        const at = (share: number) => Number(percentile(times, share).toFixed(1));
        const queriesPerSecond = Math.round(times.length / seconds);
        return {
          what,
          seconds: Math.round(seconds),
          queriesPerSecond,
          p50: at(0.5),
          p95: at(0.95),
          p99: at(0.99),
          failed,
        };
      });
    },
  };
}
