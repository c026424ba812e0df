import type { Config } from '../config.ts';
import type { Serving } from '../models/serving.ts';
import type { AuditSettings, RecallAudit } from './recall-audit.ts';

export const auditSettingsOf = (config: Pick<Config, 'SIMILI_AUDIT_SHARE' | 'SIMILI_AUDIT_ALARM'>): AuditSettings => ({
  share: config.SIMILI_AUDIT_SHARE,
  alarmBelow: config.SIMILI_AUDIT_ALARM,
});

/** Recall of the version that serves, as the admin API tells it; null: none does, or too few lists were asked again. */
export type Recall = AuditSettings & {
  modelVersionId: string | null;
  lists: number;
  late: number;
  recall: number | null;
  low: number | null;
  high: number | null;
  alarm: boolean;
};

type Deps = { audit: Pick<RecallAudit, 'recall'>; serving: Pick<Serving, 'current'>; settings: AuditSettings };

export async function recallOf({ audit, serving, settings }: Deps): Promise<Recall> {
  const pointer = await serving.current();
  const { lists, late, figure, alarm } = pointer
    ? await audit.recall(pointer.number)
    : { lists: 0, late: 0, figure: null, alarm: false };
  const numbers = { recall: figure?.rate ?? null, low: figure?.low ?? null, high: figure?.high ?? null };
  return { ...settings, modelVersionId: pointer?.modelId ?? null, lists, late, ...numbers, alarm };
}
