import type { Gate, ListChanges, ModelRow } from '../db/models.ts';
import { VersionGone } from '../db/sql/version-gone.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { listSize } from './limits.ts';
import type { Scope, ScopeOf } from './scope.ts';
import { withUserErrors } from './user-errors.ts';

/** Model versions (admin). */
export const modelResolvers = (scope: ScopeOf): Resolvers => ({
  Query: {
    activeModel: async (_root, _args, context) => (await scope(context)).services.repositories.models.active(),
    explainSimilarity: async (_root, { a, b }, context) => (await scope(context)).services.explainSimilarity(a, b),
    models: async (_root, { first, after, states }, context) =>
      (await scope(context)).services.repositories.models.list(listSize(first), after ?? null, states ?? undefined),
  },
  Mutation: {
    rollback: (_root, { input }, context) =>
      withUserErrors(
        async () => ({
          activeModel: await (await scope(context)).services.rollback(input?.modelVersionId ?? null),
        }),
        { activeModel: null },
        input?.modelVersionId ? ['modelVersionId'] : null,
      ),
  },
  ModelVersion: {
    encoder: ({ metrics }) => trainingOf(metrics).encoder ?? null,
    encoderProblem: ({ metrics }) => trainingOf(metrics).withoutEncoder?.why ?? null,
    embedded: async (model, _args, context) => embedded(await scope(context), model),
    listChanges: ({ metrics }) => ((metrics ?? {}) as { listChanges?: ListChanges | null }).listChanges ?? null,
    // Versions of before this was kept say it in their reason.
    gates: ({ gates }) =>
      (gates as Gate[]).map((gate) => ({
        ...gate,
        measured: gate.measured ?? !gate.reason.startsWith('not measured'),
      })),
  },
});

type Encoder = { id: string; title: string; licence: string };
/** A training's facts about its encoder (workers/handlers/train.ts). */
const trainingOf = (metrics: unknown) =>
  ((metrics ?? {}) as { training?: { encoder?: Encoder; withoutEncoder?: { why: string } } }).training ?? {};

/** A version has no table before its embedding begins and after it was retired. */
async function embedded({ services }: Scope, { number }: ModelRow): Promise<number> {
  try {
    return await services.embedded(number);
  } catch (error) {
    if (error instanceof VersionGone) return 0;
    throw error;
  }
}
