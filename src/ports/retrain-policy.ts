import { Cron } from 'croner';
import { SimiliError } from '../errors.ts';

/** Changes since the last training began. */
export type SinceTraining = {
  /** Any network or head was ever trained: the first one follows by itself. */
  readonly trained: boolean;
  /** When the last training of any outcome ended; null: one is on its way, or there was none. */
  readonly ended: Date | null;
  /** When the last one that succeeded began, and so what it knows; null: none did. */
  readonly began: Date | null;
  /** Products that shoppers chose in lists, one a visitor, anchor and product: before and after. */
  readonly choicesBefore: number;
  readonly choices: number;
  /** Products with a decoded picture, and those whose picture is new since. */
  readonly products: number;
  readonly changed: number;
  /** Reason of the encoders for a training, in a sentence; null: nothing does. */
  readonly encoder: string | null;
};

/** When the next training comes by itself, and why. */
export type RetrainPlan = {
  readonly automatic: boolean;
  readonly due: boolean;
  /** In a sentence: why it is due; null when it is not. */
  readonly reason: string | null;
  readonly newChoices: number;
  readonly neededChoices: number;
  readonly newProducts: number;
  readonly neededProducts: number;
  /** A reason by itself: see SinceTraining. */
  readonly encoder: string | null;
  /** Null: as soon as there is a reason. */
  readonly notBefore: Date | null;
  /** Next time of a schedule; null or left out: there is none. */
  readonly scheduledFor?: Date | null;
};

/** Decides when trainings come by themselves. It is asked once a minute, and has no memory: all that counts is stored. */
export type RetrainPolicy = {
  /** For the log. */
  readonly name: string;
  /** False: none comes by itself, and nothing is counted for one. */
  readonly automatic: boolean;
  /**
   * End of the pause after a training that ended; null: it is over. Until then nothing is counted: over much feedback that takes long.
   * @param now the database's clock
   */
  restsUntil(ended: Date, now: Date): Date | null;
  /** Whether the next one is due. Never while one is on its way (`ended` is null), nor before the first one (`trained`). */
  plan(since: SinceTraining, now: Date): RetrainPlan;
};

/** When trainings come by themselves. */
export type RetrainSettings = {
  /** Shortest time from the end of one training to the start of the next, minutes. 0: none comes by itself. */
  readonly pauseMinutes: number;
  /** Shoppers' choices since the last one began; never less than CHOICES_SHARE of what it learned from. */
  readonly choices: number;
  /** Cron expression in UTC at whose times a training comes, whatever else there is; null: none does. */
  readonly schedule?: string | null;
};
const CHOICES_SHARE = 0.05;
/** A catalog that has grown or changed by a fifth is another one. */
const PRODUCTS_SHARE = 0.2;

/** The default: after enough new choices, a catalog that has changed by a fifth, another encoder, or at the times of a schedule; with a pause between two. */
export const usualRetrainPolicy = (settings: RetrainSettings): RetrainPolicy => ({
  name: 'usual',
  automatic: settings.pauseMinutes > 0,
  restsUntil: (ended, now) => restsUntil(ended, settings, now),
  plan: (since, now) => planRetrain(since, settings, now),
});

/** @throws SimiliError CONFIGURATION_INVALID */
export function checkRetrainPolicy({ name, automatic, restsUntil, plan }: RetrainPolicy): void {
  const isWhole = typeof automatic === 'boolean' && typeof restsUntil === 'function' && typeof plan === 'function';
  if (isWhole && typeof name === 'string' && name !== '') return;
  throw new SimiliError('CONFIGURATION_INVALID', {
    why: `The retrain policy ${JSON.stringify(name)} needs a name, automatic, and functions restsUntil and plan`,
  });
}

/**
 * Whether the next training is due. It follows from what is stored, so nothing is lost while a training runs, a worker is
 * down or a try fails: what came meanwhile still counts.
 */
function planRetrain(since: SinceTraining, settings: RetrainSettings, now: Date): RetrainPlan {
  const { pauseMinutes, choices } = settings;
  const schedule = settings.schedule ? cronOf(settings.schedule) : null;
  const neededChoices = Math.max(choices, Math.ceil(CHOICES_SHARE * since.choicesBefore));
  const neededProducts = Math.max(1, Math.ceil(PRODUCTS_SHARE * since.products));
  const notBefore = since.ended && restsUntil(since.ended, { pauseMinutes }, now);
  const reasons = [
    since.choices >= neededChoices ? `${since.choices} new choices of shoppers (${neededChoices} are enough)` : null,
    since.changed >= neededProducts ? `${since.changed} of ${since.products} products have a new picture` : null,
    since.encoder,
    missedTime(schedule, since, now),
  ].filter((reason) => reason !== null);
  const automatic = pauseMinutes > 0;
  const due = automatic && since.trained && since.ended !== null && !notBefore && reasons.length > 0;
  return {
    automatic,
    due,
    reason: due ? reasons.join('; ') : null,
    notBefore,
    newChoices: since.choices,
    neededChoices,
    newProducts: since.changed,
    neededProducts,
    encoder: since.encoder,
    scheduledFor: schedule?.nextRun(now) ?? null,
  };
}

/** End of the pause after a training that ended; null: it is over. */
function restsUntil(ended: Date, { pauseMinutes }: Pick<RetrainSettings, 'pauseMinutes'>, now: Date): Date | null {
  const until = new Date(ended.getTime() + 60_000 * pauseMinutes);
  return until > now ? until : null;
}

/** @throws Error that says what is wrong with the expression. */
export const cronOf = (expression: string): Cron => new Cron(expression, { timezone: 'UTC' });

/** The last time of the schedule, where no training has begun since: it is not lost while one runs or a worker is down. */
function missedTime(schedule: Cron | null, { began }: SinceTraining, now: Date): string | null {
  const [last] = schedule?.previousRuns(1, now) ?? [];
  return last && (!began || began < last) ? `scheduled for ${last.toISOString()}` : null;
}
