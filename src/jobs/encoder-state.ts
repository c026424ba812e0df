import type { JobRow } from '../db/jobs.ts';
import type { ModelRow } from '../db/models.ts';
import type { SettingRepository } from '../db/settings.ts';
import type { StoredRetrain } from './retrain.ts';

/** State of encoders, which workers tell API nodes: these need not have the files. */
export type EncoderState = {
  /** Looks at pictures now; null: none does. */
  readonly configured: { readonly id: string; readonly title: string } | null;
  /** The version that serves, where its encoder is not on that worker: no new product gets a vector of it. Null: all is well. */
  readonly lost: string | null;
};
type Version = Pick<ModelRow, 'id' | 'metrics'>;

const KEY = 'encoder';

export async function tellEncoderState(
  settings: Pick<SettingRepository, 'get' | 'set'>,
  state: EncoderState,
): Promise<void> {
  const text = JSON.stringify(state);
  if ((await settings.get(KEY)) !== text) await settings.set(KEY, text);
}

/** Null: no worker has told yet. */
export async function toldEncoderState(settings: Pick<SettingRepository, 'get'>): Promise<EncoderState | null> {
  const text = await settings.get(KEY);
  return text === null ? null : JSON.parse(text);
}

/**
 * Reason of the encoders for a training, in a sentence: the configured one is another than the last training had. One that
 * was asked for by name for that training is left in peace as long as it is there. Null: nothing does; also after a training with
 * the configured encoder whose version does not serve, for another one would end alike.
 * @param last the version that the last training made, and what was asked of it
 */
export function encoderReason(
  { configured, lost }: EncoderState,
  { serving, last, asked }: { serving: Version | null; last: Version | null; asked: Pick<JobRow, 'request'> | null },
): string | null {
  if (!last || encoderIdOf(last) === (configured?.id ?? null)) return null;
  const isLost = serving !== null && serving.id === lost;
  const byName = (asked?.request as StoredRetrain | undefined)?.encoder !== undefined;
  if (byName && !isLost) return null;
  const now = configured
    ? `another encoder looks at pictures than the last training had (${configured.title})`
    : 'no encoder looks at pictures any more';
  return isLost ? `${now}, and without that one new products get no vectors` : now;
}

const encoderIdOf = ({ metrics }: Pick<ModelRow, 'metrics'>): string | null =>
  ((metrics ?? {}) as { training?: { encoder?: { id: string } } }).training?.encoder?.id ?? null;
