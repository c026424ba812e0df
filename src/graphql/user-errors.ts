import { type ErrorCode, SimiliError } from '../errors.ts';
import type { InvalidInputError, JobAlreadyRunningError, NotFoundError } from '../generated/graphql.ts';

/** One of the types behind the contract's `UserError`. */
export type AnyUserError =
  | ({ __typename: 'InvalidInputError' } & Omit<InvalidInputError, '__typename'>)
  | ({ __typename: 'NotFoundError' } & Omit<NotFoundError, '__typename'>)
  | ({ __typename: 'JobAlreadyRunningError' } & Omit<JobAlreadyRunningError, '__typename'>);

/** Codes that a caller of a mutation can correct; all else is a top-level error. */
const CORRECTABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'JOB_ALREADY_RUNNING',
  'JOB_NOT_CANCELLABLE',
  'MODEL_NOT_SERVABLE',
  'NOTHING_TO_ROLL_BACK_TO',
]);

/**
 * Runs a mutation. What the caller can correct becomes its payload: `refused`, with the error in `userErrors`.
 * @param field path into the input; an INVALID_ARGUMENT names its own.
 */
export async function withUserErrors<Done extends object, Refused extends object>(
  work: () => Promise<Done & { userErrors?: AnyUserError[] }>,
  refused: Refused,
  field: string[] | null = null,
): Promise<(Done | Refused) & { userErrors: AnyUserError[] }> {
  try {
    return { userErrors: [], ...(await work()) };
  } catch (error) {
    if (!(error instanceof SimiliError) || !CORRECTABLE.has(error.code)) throw error;
    return { ...refused, userErrors: [toUserError(error, field)] };
  }
}

export function toUserError(error: SimiliError, field: string[] | null): AnyUserError {
  const { code, message } = error;
  const facts = error.facts as Partial<Record<string, string>> | undefined;
  const common = {
    code,
    message,
    field: field ?? facts?.argument?.split('.') ?? null,
  };
  if (code === 'NOT_FOUND') return { __typename: 'NotFoundError', ...common, id: facts?.id ?? '' };
  if (code === 'JOB_ALREADY_RUNNING')
    return {
      __typename: 'JobAlreadyRunningError',
      ...common,
      jobId: facts?.jobId ?? '',
    };
  return { __typename: 'InvalidInputError', ...common };
}
