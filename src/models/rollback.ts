import type { ModelRepository, ModelRow } from '../db/models.ts';
import type { Serving } from './serving.ts';

type Deps = {
  models: Pick<ModelRepository, 'rollback'>;
  serving: Pick<Serving, 'forget'>;
};

/**
 * Back to the version that served before, or to a named STANDBY one; this process answers with it at once.
 * @throws SimiliError NOT_FOUND, MODEL_NOT_SERVABLE, NOTHING_TO_ROLL_BACK_TO.
 */
export async function rollback({ models, serving }: Deps, modelId: string | null): Promise<ModelRow> {
  const model = await models.rollback(modelId);
  serving.forget();
  return model;
}
