import { GraphQLError, type GraphQLScalarType, Kind, print, type ValueNode, valueFromASTUntyped } from 'graphql';
import { GraphQLDateTime, GraphQLJSON } from 'graphql-scalars';
import { A_DECIMAL, isDecimal } from '../decimal.ts';

/** Functions of a scalar, without the class: that is the server's copy of graphql's. */
type ScalarFunctions = Pick<GraphQLScalarType, 'serialize' | 'parseValue' | 'parseLiteral'>;

const functionsOf = ({ serialize, parseValue, parseLiteral }: GraphQLScalarType): ScalarFunctions => ({
  serialize,
  parseValue,
  parseLiteral,
});

const Decimal: ScalarFunctions = {
  serialize: (value) => checked(value),
  parseValue: (value) => checked(value),
  parseLiteral: (node: ValueNode) => checked(node.kind === Kind.STRING ? node.value : undefined, node),
};

/** Text only: a JSON number has been a float before we see it. */
function checked(value: unknown, node: ValueNode | null = null): string {
  if (typeof value === 'string' && isDecimal(value)) return value;
  // Of a literal GraphQL tells no more than its node: where it stands.
  const found = node ? `, not ${print(node)}` : '';
  throw new GraphQLError(`A Decimal is ${A_DECIMAL}${found}`, { nodes: node });
}

/** Part of an entry: taken as it comes, judged by src/entries.ts. */
const entry: ScalarFunctions = {
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: valueFromASTUntyped,
};

export const storefrontScalars = {
  Decimal,
  DateTime: functionsOf(GraphQLDateTime),
  EntryID: entry,
  EntryUUID: entry,
  EntryDateTime: entry,
};
export const adminScalars = {
  JSON: functionsOf(GraphQLJSON),
  EntryText: entry,
  EntryDecimal: entry,
  EntryBoolean: entry,
  EntryVersion: entry,
  Upload: entry,
};
