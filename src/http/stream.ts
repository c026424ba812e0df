import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, RequestHandler, Response } from 'express';
import { type ExecutionResult, GraphQLError, type GraphQLSchema, parse, specifiedRules, validate } from 'graphql';
import { createHandler } from 'graphql-sse/lib/use/express';
import { refusalOf } from '../graphql/cost/check.ts';
import { type Limits, PARSED } from '../graphql/cost/limits.ts';
import { makeFormatError } from '../graphql/errors.ts';
import type { Log } from '../log.ts';
import { introspectionRules, type Manners } from './exploring.ts';
import { whenOver } from './request-over.ts';

export type Stream = {
  handler: RequestHandler;
  /** Ends all open streams; clients connect again elsewhere. */
  close(): void;
};

/** How often it is asked whether the caller of an open stream may still have it, ms. */
const ASKED_EVERY_MS = 2000;

/** GraphQL over server-sent events (graphql-sse protocol, distinct connections): one POST, one stream. */
export function makeStream(
  schema: GraphQLSchema,
  limits: Limits,
  manners: Manners,
  log: Log,
  contextOf: (req: Request) => object,
  isStillAdmitted: (req: Request) => Promise<boolean>,
): Stream {
  const open = new Set<Response>();
  const check = makeCheck(schema, limits, manners);
  const handle = createHandler({
    // No tokens, no reserved streams: they would tie a client to one process.
    authenticate: () => null as never,
    onSubscribe: (request, params) =>
      check(params) ?? {
        schema,
        document: parse(params.query),
        ...argumentsOf(params),
        contextValue: contextOf(request.raw as never) as never,
      },
    validate: () => [], // done by check, with our rules
    onNext: (_context, _request, result) => (result.errors ? formatted(result as ExecutionResult, log) : undefined),
  });
  return {
    handler: async (req, res) => {
      open.add(res);
      const left = new AbortController();
      whenOver(res, () => {
        open.delete(res);
        left.abort();
      });
      void endUnless(() => isStillAdmitted(req), res, left.signal);
      await handle(req as never, res as never);
    },
    close() {
      for (const res of open) res.end();
    },
  };
}

/** One question at a time: each may take as long as a database that is away. */
async function endUnless(isAdmitted: () => Promise<boolean>, res: Response, left: AbortSignal): Promise<void> {
  do await sleep(ASKED_EVERY_MS, undefined, { signal: left }).catch(() => {});
  while (!left.aborted && (await isAdmitted()));
  res.end();
}

type Params = {
  query: string;
  operationName?: string | undefined;
  variables?: Record<string, unknown> | undefined;
};
const argumentsOf = ({ operationName, variables }: Params) => ({
  operationName: operationName ?? null,
  variableValues: variables ?? null,
});

/** @returns what is wrong with a request, under the codes and limits of the other endpoints. */
function makeCheck(
  schema: GraphQLSchema,
  limits: Limits,
  { explore }: Manners,
): (params: Params) => ExecutionResult | undefined {
  const rules = [...specifiedRules, ...introspectionRules(explore)];
  const options = { hideSuggestions: !explore };
  const withCode = (code: string) => (error: GraphQLError) => {
    const { nodes = null, source = null, positions = null, extensions } = error;
    return new GraphQLError(error.message, {
      nodes,
      source,
      positions,
      extensions: { code, ...extensions },
    });
  };
  return ({ query, operationName, variables }) => {
    try {
      const document = parse(query, PARSED);
      const refusal = refusalOf({ schema, document, operationName, variables }, limits);
      if (refusal) return { data: null, errors: [new GraphQLError(refusal.message, { originalError: refusal })] };
      const errors = validate(schema, document, rules, options);
      return errors.length ? { data: null, errors: errors.map(withCode('GRAPHQL_VALIDATION_FAILED')) } : undefined;
    } catch (error) {
      return { data: null, errors: [withCode('GRAPHQL_PARSE_FAILED')(error as GraphQLError)] };
    }
  };
}

/** An error without path and code was met before execution: the variables do not fit. */
function formatted(result: ExecutionResult, log: Log): ExecutionResult {
  const format = makeFormatError(log);
  const errors = result.errors?.map((error) => {
    const code = error.extensions.code ?? (error.path ? 'INTERNAL_SERVER_ERROR' : 'BAD_USER_INPUT');
    return format({ ...error.toJSON(), extensions: { ...error.extensions, code } }, error);
  });
  return { ...result, errors: errors as unknown as GraphQLError[] };
}
