import type { Config } from '../config.ts';
import type { JobRow } from '../db/jobs.ts';
import type { Repositories } from '../db/repositories.ts';
import type { RetrainPlan, RetrainPolicy, RetrainSettings, SinceTraining } from '../ports/retrain-policy.ts';
import { encoderReason, toldEncoderState } from './encoder-state.ts';

export type RetrainRepositories = Pick<Repositories, 'jobs' | 'models' | 'feedback' | 'images' | 'settings'>;

type Settings = Pick<Config, 'SIMILI_RETRAIN_PAUSE_MINUTES' | 'SIMILI_RETRAIN_CHOICES' | 'SIMILI_RETRAIN_SCHEDULE'>;
export const retrainSettingsOf = (config: Settings): RetrainSettings => ({
  pauseMinutes: config.SIMILI_RETRAIN_PAUSE_MINUTES,
  choices: config.SIMILI_RETRAIN_CHOICES,
  schedule: config.SIMILI_RETRAIN_SCHEDULE ?? null,
});

/** The plan as things are now. */
export async function nextRetrain(
  repositories: RetrainRepositories,
  policy: RetrainPolicy,
  now: Date,
): Promise<RetrainPlan> {
  return policy.plan(await sinceTraining(repositories), now);
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
    began: learned ? began : null,
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
