import type { CurvePoint, JobFailure, JobRow } from '../db/jobs.ts';
import { knownCode, SimiliError } from '../errors.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { listSize } from './limits.ts';
import type { Scope, ScopeOf } from './scope.ts';
import { toUserError, withUserErrors } from './user-errors.ts';

/** Trainings and what becomes of them (admin). */
export const jobResolvers = (scope: ScopeOf): Resolvers => ({
  Query: {
    job: async (_root, { id }, context) => (await scope(context)).services.job(id),
    jobs: async (_root, { first, after, states }, context) =>
      (await scope(context)).services.repositories.jobs.list(listSize(first), states ?? undefined, after ?? null),
    retraining: async (_root, _args, context) => (await scope(context)).services.retrainPlan(),
  },
  Mutation: {
    retrain: (_root, { input }, context) =>
      withUserErrors(async () => retrain(await scope(context), input ?? {}), { job: null }),
    cancelJob: (_root, { input: { id } }, context) =>
      withUserErrors(async () => ({ job: await (await scope(context)).services.cancelJob(id) }), { job: null }, ['id']),
  },
  Subscription: {
    jobProgress: {
      subscribe: async (_root, { id }, context) => (await scope(context)).services.watchJob(id) as never,
      resolve: (job: JobRow) => job,
    },
  },
  Job: {
    curve: ({ curve }) => curve as CurvePoint[],
    error: (job) => {
      const error = job.error as JobFailure | null;
      return error && { ...error, code: knownCode(error.code) };
    },
    modelVersionId: ({ modelId }) => modelId,
  },
});

/** The job that is on its way comes back too, so that the caller can watch that one. */
async function retrain({ services }: Scope, request: Parameters<Scope['services']['retrain']>[0]) {
  try {
    return { job: await services.retrain(request, 'admin') };
  } catch (error) {
    if (!(error instanceof SimiliError && error.code === 'JOB_ALREADY_RUNNING')) throw error;
    const { jobId } = error.facts as { jobId: string };
    return {
      job: await services.repositories.jobs.byId(jobId),
      userErrors: [toUserError(error, null)],
    };
  }
}
