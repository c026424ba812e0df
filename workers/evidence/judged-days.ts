import type { DayChoices } from 'simili/internal/db/feedback-days';
import type { ModelRow } from 'simili/internal/db/models';

const DAY_MS = 86_400_000;
/** The most days that judge. */
const MOST_DAYS = 7;
/** Choices that judge well enough: a busy shop learns from yesterday. */
const ENOUGH = 1000;
/** The most of all choices that may be kept from learning. */
const MOST_SHARE = 0.2;

/** The day (UTC) after that of a moment, YYYY-MM-DD: the first of which nobody knew anything then. */
export const dayAfter = (moment: Date): string => new Date(moment.getTime() + DAY_MS).toISOString().slice(0, 10);

/**
 * Choices split by time: the last days judge and teach nothing. From the newest day back, as many as hold a thousand choices, at most seven up to
 * that of `until`, and never more than a fifth of all choices.
 * @param days with their choices, oldest first, up to that of `until`
 * @returns the first day that judges, YYYY-MM-DD; the day after `until` where none does, as in a shop whose choices are all of one day
 */
export function firstJudgedDay(days: readonly DayChoices[], until: Date): string {
  const most = MOST_SHARE * days.reduce((sum, { choices }) => sum + choices, 0);
  const oldest = dayAfter(new Date(until.getTime() - MOST_DAYS * DAY_MS));
  let first = dayAfter(until);
  let judging = 0;
  for (const { day, choices } of [...days].reverse()) {
    if (day < oldest || judging >= ENOUGH || judging + choices > most) break;
    judging += choices;
    if (choices > 0) first = day;
  }
  return first;
}

/** First day of which a version learned nothing, nor those that it went on from. Versions of before this was kept know all up to when they were made. */
export function firstUnseenDay({ metrics, createdAt }: Pick<ModelRow, 'metrics' | 'createdAt'>): string {
  const { training } = (metrics ?? {}) as { training?: { judgedFrom?: string } };
  return training?.judgedFrom ?? dayAfter(createdAt);
}

/** The latest of some days. */
export const latest = (days: readonly string[]): string => [...days].sort().at(-1)!;
