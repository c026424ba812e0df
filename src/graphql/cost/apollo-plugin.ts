import type { ApolloServerPlugin, BaseContext } from '@apollo/server';
import type { DocumentNode, GraphQLError } from 'graphql';
import type { SimiliError } from '../../errors.ts';
import { type Request, refusalOf } from './check.ts';
import type { Limits } from './limits.ts';

/** Spreads a fragment that is not there: every schema refuses it at once, with one error, and no store keeps it. */
const INVALID = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      selectionSet: {
        kind: 'SelectionSet',
        selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'TooCostly' } }],
      },
    },
  ],
} as unknown as DocumentNode;

type Context = Pick<Request, 'schema'> & {
  document?: DocumentNode;
  request: { operationName?: string | undefined; variables?: Request['variables'] };
};

/**
 * Limits of an Apollo server: one error TOO_COSTLY with HTTP status 400, before validation and before any resolver.
 * Apollo lets no plugin refuse a document before it is validated, so a costly one is exchanged for one whose validation
 * costs nothing, and the error of that for ours. A document that Apollo has seen before is not validated again: there
 * the refusal comes before execution.
 */
export const limitRequests = (limits: Limits): ApolloServerPlugin<BaseContext> => ({
  async requestDidStart() {
    let isChecked = false;
    let refusal: Error | null = null;
    const check = (context: Context): Error | null => {
      isChecked = true;
      const { schema, document, request } = context;
      const refused = document ? refusalOf({ schema, document, ...request }, limits) : null;
      return refused && withStatus(refused);
    };
    return {
      async validationDidStart(context) {
        refusal = check(context as Context);
        if (refusal) (context as { document: DocumentNode }).document = INVALID;
      },
      async didEncounterErrors({ errors }) {
        if (refusal) (errors as GraphQLError[]).splice(0, errors.length, refusal as GraphQLError);
      },
      async didResolveOperation(context) {
        const late = isChecked ? null : check(context as Context);
        if (late) throw late;
      },
    };
  },
});

/** Apollo takes the status from the error. Not a GraphQLError: the host may have another copy of that class. */
const withStatus = ({ message, extensions }: SimiliError): Error =>
  Object.assign(new Error(message), { extensions: { ...extensions, http: { status: 400 } } });
