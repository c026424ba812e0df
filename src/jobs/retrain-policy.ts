import type { Config } from '../config.ts';
import type { JobRow } from '../db/jobs.ts';
import type { Repositories } from '../db/repositories.ts';
import { encoderReason, toldEncoderState } from './encoder-state.ts';

/** When trainings come by themselves. */
export type RetrainSettings = {
  /** Shortest time from the end of one training to the start of the next, minutes. 0: none comes by itself. */
  readonly pauseMinutes: number;
  /** Shoppers' choices since the last one began; never less than CHOICES_SHARE of what it learned from. */
  readonly choices: number;
};
export type RetrainRepositories = Pick<Repositories, 'jobs' | 'models' | 'feedback' | 'images' | 'settings'>;

/** What has come since the last training began. */
export type SinceTraining = {
  /** Any network or head was ever trained: the first one follows by itself (workers/jobs/first-models.ts). */
  readonly trained: boolean;
  /** When the last training of any outcome ended; null: one is on its way, or there was none. */
  readonly ended: Date | null;
  /** Products that shoppers chose in lists, one a visitor, anchor and product: before and after. */
  readonly choicesBefore: number;
  readonly choices: number;
  /** Products with a decoded picture, and those whose picture is new since. */
  readonly products: number;
  readonly changed: number;
  /** What of the encoders asks for a training, in a sentence; null: nothing does. */
  readonly encoder: string | null;
};

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
};

const CHOICES_SHARE = 0.05;
/** A catalog that has grown or changed by a fifth is another one. */
const PRODUCTS_SHARE = 0.2;

type Settings = Pick<Config, 'SIMILI_RETRAIN_PAUSE_MINUTES' | 'SIMILI_RETRAIN_CHOICES'>;
export const retrainSettingsOf = (config: Settings): RetrainSettings => ({
  pauseMinutes: config.SIMILI_RETRAIN_PAUSE_MINUTES,
  choices: config.SIMILI_RETRAIN_CHOICES,
});

/**
 * Whether the next training is due. It follows from what is stored, so nothing is lost while a training runs, a worker is
 * down or a try fails: what came meanwhile still counts.
 */
export function planRetrain(since: SinceTraining, { pauseMinutes, choices }: RetrainSettings, now: Date): RetrainPlan {
  const neededChoices = Math.max(choices, Math.ceil(CHOICES_SHARE * since.choicesBefore));
  const neededProducts = Math.max(1, Math.ceil(PRODUCTS_SHARE * since.products));
  const notBefore = since.ended && restsUntil(since.ended, { pauseMinutes }, now);
  const reasons = [
    since.choices >= neededChoices ? `${since.choices} new choices of shoppers (${neededChoices} are enough)` : null,
    since.changed >= neededProducts ? `${since.changed} of ${since.products} products have a new picture` : null,
    since.encoder,
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
  };
}

/** End of the pause after a training that ended; null: it is over. */
export function restsUntil(
  ended: Date,
  { pauseMinutes }: Pick<RetrainSettings, 'pauseMinutes'>,
  now: Date,
): Date | null {
  const until = new Date(ended.getTime() + 60_000 * pauseMinutes);
  return until > now ? until : null;
}

/** The plan as things are now. */
export async function nextRetrain(
  repositories: RetrainRepositories,
  settings: RetrainSettings,
  now: Date,
): Promise<RetrainPlan> {
  return planRetrain(await sinceTraining(repositories), settings, now);
}

async function sinceTraining(repositories: RetrainRepositories): Promise<SinceTraining> {
  const { jobs, models, feedback, images } = repositories;
  const [last, learned] = await Promise.all([jobs.last('RETRAIN'), jobs.last('RETRAIN', 'SUCCEEDED')]);
  // A training learns of what was there when a worker took it.
  const began = learned ? (learned.startedAt ?? learned.createdAt) : new Date(0);
  const [trained, choices, pictures, encoder] = await Promise.all([
    models.anyOfKind('NETWORK'),
    feedback.choices(began),
    images.readySince(began),
    reasonOfEncoder(repositories, learned),
  ]);
  return {
    trained,
    ended: last?.finishedAt ?? null,
    choices: choices.after,
    choicesBefore: choices.before,
    products: pictures.products,
    changed: pictures.changed,
    encoder,
  };
}

/** @param learned the last training that succeeded */
async function reasonOfEncoder(
  { models, settings }: RetrainRepositories,
  learned: JobRow | null,
): Promise<string | null> {
  const [state, serving] = await Promise.all([toldEncoderState(settings), models.active()]);
  const last = learned?.modelId ? await models.byId(learned.modelId) : serving;
  return state && encoderReason(state, { serving, last, asked: learned });
}
