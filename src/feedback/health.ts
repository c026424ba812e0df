import type { FeedbackDays } from '../db/feedback-days.ts';
import type { FeedbackHealthRepository } from '../db/feedback-health.ts';
import { type ErrorCode, knownCode } from '../errors.ts';
import { daysUpTo } from './day-span.ts';

/** Fate of the feedback of some days: counts of events, and how far what is derived from them is behind. */
export type FeedbackFigures = {
  since: Date;
  accepted: number;
  duplicates: number;
  withoutConsent: number;
  rejected: number;
  rejections: { code: ErrorCode; count: number }[];
  lists: number;
  /** Share of lists that were reported about which have an impression; null: there are none. */
  impressionCoverage: number | null;
  /** Views and purchases of which no list was told, and those of them that a list had led to. */
  withoutList: number;
  outcomes: number;
  quarantines: number;
  quarantinedEvents: number;
  /** Visitors whom rules have put into quarantine in these days, by rule, and their events. */
  bots: { visitors: number; events: number; rules: { rule: string; visitors: number }[] };
  newestEvent: Date | null;
  rolledUpTo: Date | null;
  daysPending: number;
};
type Deps = { health: FeedbackHealthRepository; days: Pick<FeedbackDays, 'pending'>; now: () => Date };

const MOST_DAYS = 90;
const ANSWERS = ['accepted', 'duplicates', 'withoutConsent'] as const;

/** Feedback of the last `days` days, with today. @throws SimiliError INVALID_ARGUMENT */
export async function feedbackHealth({ health, days: derived, now }: Deps, days: number): Promise<FeedbackFigures> {
  const { since, first } = daysUpTo(now(), days, MOST_DAYS);
  const [counts, { seen, ...reported }, quarantined, bots, newestEvent, daysPending] = await Promise.all([
    health.counts(first),
    health.lists(first),
    health.quarantined(),
    health.bots(since),
    health.newestEvent(),
    derived.pending(now()),
  ]);
  const countOf = (name: string): number => counts.find((one) => one.name === name)?.count ?? 0;
  const rejections = counts
    .filter(({ name }) => !ANSWERS.some((answer) => answer === name))
    .map(({ name, count }) => ({ code: knownCode(name), count }));
  return {
    since,
    accepted: countOf('accepted'),
    duplicates: countOf('duplicates'),
    withoutConsent: countOf('withoutConsent'),
    rejected: sumOf(rejections, ({ count }) => count),
    rejections,
    ...reported,
    impressionCoverage: reported.lists > 0 ? seen / reported.lists : null,
    quarantines: quarantined.slices,
    quarantinedEvents: quarantined.events,
    bots: {
      visitors: sumOf(bots, ({ visitors }) => visitors),
      events: sumOf(bots, ({ events }) => events),
      rules: bots.map(({ rule, visitors }) => ({ rule, visitors })),
    },
    newestEvent,
    daysPending,
  };
}

const sumOf = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((sum, one) => sum + of(one), 0);
