import {
  GraphQLError,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type TypeNode,
  valueFromASTUntyped,
} from 'graphql';
import { keptIn } from '../kept-in.ts';
import type { RequestContext } from './scope.ts';

type Variables = Record<string, unknown>;

/** Input types that are judged one by one (src/entries.ts), not by GraphQL, which knows only all or nothing. */
const ENTRIES = [
  'FeedbackEventInput',
  'ImpressionEventInput',
  'ItemEventInput',
  'ProductInput',
  'PurchaseEventInput',
  'RatingInput',
  'ViewEventInput',
];

const sent = keptIn<RequestContext, Variables>();

/**
 * An Apollo plugin for a server with our schema. GraphQL refuses a call for one field too many in one of its entries, so
 * it is shown empty entries, and the resolvers read those that were sent. Ids as numbers beyond 2^53 have lost digits and
 * are refused, like those that are not whole (BAD_USER_INPUT). Without the plugin, in a host's server, an entry with a field too many or of another
 * kind than an object refuses its call; all else is judged alone there too.
 */
export const entriesPlugin = {
  async requestDidStart() {
    return {
      async didResolveOperation({ schema, operation, request, contextValue }: Resolved): Promise<void> {
        const { variables } = request;
        if (!variables || !operation) return;
        sent.set(contextValue, variables);
        request.variables = withEmptyEntries(schema, operation, variables);
      },
    };
  },
};
type Resolved = {
  readonly schema: GraphQLSchema;
  readonly operation?: OperationDefinitionNode | undefined;
  readonly request: { variables?: Variables };
  readonly contextValue: RequestContext;
};

/** The list of entries at `field` of the argument `input`, as it was sent; else as GraphQL coerced it. */
export function entriesAsSent(
  context: RequestContext,
  info: GraphQLResolveInfo,
  field: string,
  coerced: readonly unknown[],
): readonly unknown[] {
  const variables = typeof context === 'object' && context !== null ? sent.get(context) : undefined;
  const input = info.fieldNodes[0]?.arguments?.find(({ name }) => name.value === 'input');
  if (!variables || !input) return coerced;
  const all: Variables = Object.assign(Object.create(null), info.variableValues, variables);
  const value = valueFromASTUntyped(input.value, all) as Variables;
  const list = value[field];
  return Array.isArray(list) ? list : [list];
}

/** A type of the schema, whichever copy of graphql made it: `String(type)` ends with `!`, begins with `[`, or is a name. */
type InputType = {
  readonly ofType?: InputType;
  getFields?(): Record<string, { type: unknown }>;
  toString(): string;
};

function withEmptyEntries(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Variables): Variables {
  const shown = { ...variables };
  for (const { variable, type: node } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    const type = typeOf(schema, node);
    if (Object.hasOwn(shown, name) && type) shown[name] = emptied(shown[name], type, name);
  }
  return shown;
}

function typeOf(schema: GraphQLSchema, node: TypeNode): InputType | undefined {
  if (node.kind === 'NamedType') return schema.getType(node.name.value) as InputType | undefined;
  const ofType = typeOf(schema, node.type);
  const written = node.kind === 'ListType' ? `[${ofType}]` : `${ofType}!`;
  return ofType && { ofType, toString: () => written };
}

function emptied(value: unknown, type: InputType, name: string): unknown {
  const { ofType } = type;
  if (ofType && String(type).endsWith('!')) return emptied(value ?? (isEntry(ofType) ? {} : value), ofType, name);
  if (value == null) return value;
  if (ofType) {
    return Array.isArray(value) ? value.map((entry) => emptied(entry, ofType, name)) : emptied(value, ofType, name);
  }
  if (isEntry(type)) return {};
  if (String(type) === 'ID') checkDigits(value, name);
  if (!type.getFields || typeof value !== 'object' || Array.isArray(value)) return value;
  const fields = type.getFields();
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
      return [key, field ? emptied(inner, field.type as InputType, name) : inner];
    }),
  );
}

const isEntry = (type: InputType): boolean => ENTRIES.includes(String(type));

function checkDigits(value: unknown, name: string): void {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return;
  throw new GraphQLError(
    `Variable "$${name}" holds the ID ${value}: an ID is text or a whole number up to 2^53 - 1 (send greater ones as text)`,
    { extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } } },
  );
}
