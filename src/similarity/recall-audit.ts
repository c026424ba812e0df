import type { RecallAuditRepository } from '../db/recall-audits.ts';
import type { Found, Neighbour, RankingVersion } from '../db/search/repository.ts';
import { VersionGone } from '../db/sql/version-gone.ts';
import { startDeadline, within } from '../deadline.ts';
import { SimiliError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { type Rate, rateOf } from '../rate.ts';

/** Settings of the audit: the share of lists that is asked again, and the recall under which there is an alarm, both 0 to 1. */
export type AuditSettings = { readonly share: number; readonly alarmBelow: number };

/**
 * How well the lists of the last `HOURS` hours were found. `figure` null: fewer than two lists were asked again. `alarm`: all of its 95 %
 * interval lies under `alarmBelow`. `late`: lists whose exact ranking took too long; they are in no figure.
 */
export type RecallFigure = { lists: number; late: number; figure: Rate | null; alarm: boolean };

/** A list as it was answered, and the way to ask it again past every index. */
export type Answered = { version: RankingVersion; limit: number; found: Found; exactly: () => Promise<Found> };

export type RecallAudit = {
  /** Runs a search, and counts it among those under way. */
  watch<T>(search: () => Promise<T>): Promise<T>;
  /** Asks a share of lists again, behind the answer. Returns at once. */
  offer(list: Answered): void;
  recall(version: number): Promise<RecallFigure>;
  /** Waits for the audit that runs. */
  settled(): Promise<void>;
};

type Deps = AuditSettings & {
  audits: Pick<RecallAuditRepository, 'add' | 'addLate' | 'sums'>;
  catalog: string;
  telemetry: Telemetry;
  log: Pick<Log, 'warn'>;
  /** Milliseconds; never goes back. */
  clock?: () => number;
};

/** Neighbours that are compared: recall@10. Of a shorter list, all that it has. */
export const COMPARED = 10;
/** Span of the rolling figure, hours. */
export const HOURS = 24;
/** Longest time of one audit, ms; on Postgres its statement is cancelled then. */
const LONGEST_MS = 10_000;
/** A pause of so many times as long as an audit took: at most a twentieth of one connection's time goes to audits. */
const PAUSES = 20;
/** An alarm is logged once in so long, ms: around its bound it comes and goes. */
const TELL_AGAIN_MS = 3_600_000;
/** Searches of this process under way at which it is busy: no audit begins. A pool has ten connections. */
const BUSY = 8;

/** One at a time in a process, for all of its catalogs: `Turn` is shared by their audits. */
export type Turn = { running: Promise<void> | null; restUntil: number; underWay: number };
export const openTurn = (): Turn => ({ running: null, restUntil: 0, underWay: 0 });

/** @param turn that of the process */
export function openRecallAudit(deps: Deps, turn: Turn): RecallAudit {
  const { share, audits, alarmBelow, log, clock = () => performance.now() } = deps;
  let tellAgainAt = Number.NEGATIVE_INFINITY;
  const recall = async (version: number): Promise<RecallFigure> => {
    const { lists, late, wanted, found, wantedSq, products, foundSq } = await audits.sums(version, HOURS);
    const sums = { visitors: lists, impressions: wanted, choices: found };
    const squares = { impressionsSq: wantedSq, products, choicesSq: foundSq };
    const figure = lists < 2 ? null : rateOf({ ...sums, ...squares });
    return { lists, late, figure, alarm: figure !== null && figure.high < alarmBelow };
  };
  const audit = async (list: Answered): Promise<void> => {
    const compared = await compare(list);
    if (!compared) return;
    const { number } = list.version;
    await audits.add(number, compared);
    const { alarm, figure } = await recall(number);
    tell(deps, 'compared', alarm);
    count(deps, compared);
    if (!alarm || clock() < tellAgainAt) return;
    tellAgainAt = clock() + TELL_AGAIN_MS;
    log.warn(
      { catalog: deps.catalog, ...figure },
      'the search misses neighbours: its recall is under SIMILI_AUDIT_ALARM',
    );
  };
  const failed = (error: unknown): void => {
    if (error instanceof VersionGone) return;
    tell(deps, 'failed', false);
    log.warn({ err: error, catalog: deps.catalog }, 'a list could not be asked again');
  };
  const run = async (list: Answered): Promise<void> => {
    const since = clock();
    const addLate = (): Promise<void> => {
      tell(deps, 'late', false);
      return inOwnTime(() => audits.addLate(list.version.number));
    };
    await inOwnTime(() => audit(list))
      .catch((error: unknown) => (isLate(error) ? addLate() : Promise.reject(error)))
      .catch(failed);
    turn.running = null;
    const now = clock();
    turn.restUntil = now + PAUSES * (now - since);
  };
  return {
    async watch(search) {
      turn.underWay += 1;
      try {
        return await search();
      } finally {
        turn.underWay -= 1;
      }
    },
    offer(list) {
      if (turn.running || turn.underWay >= BUSY || clock() < turn.restUntil || Math.random() >= share) return;
      turn.running = new Promise((resolve) => setImmediate(resolve)).then(() => run(list));
    },
    recall,
    settled: () => turn.running ?? Promise.resolve(),
  };
}

/** Under a deadline of its own: the request that an audit follows may be over. */
const inOwnTime = (work: () => Promise<void>): Promise<void> =>
  within(startDeadline({ statementMs: LONGEST_MS, requestMs: LONGEST_MS }), work);

const isLate = (error: unknown): boolean => error instanceof SimiliError && error.code === 'DEADLINE_EXCEEDED';

/** @returns null where there is nothing to compare: the list is empty, or its anchor is gone. */
async function compare({ found, limit, exactly }: Answered): Promise<{ wanted: number; found: number } | null> {
  const most = Math.min(COMPARED, limit);
  const { anchor, neighbours } = await exactly();
  const exact = neighbours.slice(0, most);
  const farthest = exact.at(-1);
  if (anchor !== 'ranked' || !farthest) return null;
  const ids = new Set(exact.map(({ productId }) => productId));
  // One at the distance of the last may stand in for it.
  const isRight = ({ productId, l2 }: Neighbour): boolean => ids.has(productId) || l2 <= farthest.l2;
  const right = found.neighbours.slice(0, most).filter(isRight).length;
  return { wanted: exact.length, found: Math.min(right, exact.length) };
}

const tell = ({ telemetry, catalog }: Deps, outcome: 'compared' | 'late' | 'failed', alarm: boolean): void =>
  telemetry.count('simili.audits', 1, { catalog, outcome, alarm });

function count({ telemetry, catalog }: Deps, { wanted, found }: { wanted: number; found: number }): void {
  telemetry.count('simili.audited_neighbours', found, { catalog, outcome: 'found' });
  telemetry.count('simili.audited_neighbours', wanted - found, { catalog, outcome: 'missed' });
}
