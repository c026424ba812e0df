import { GraphQLError, type GraphQLScalarType, Kind, type ValueNode, valueFromASTUntyped } from 'graphql';
import { GraphQLDateTime, GraphQLJSON } from 'graphql-scalars';
import { isDecimal } from '../decimal.ts';

/** Functions of a scalar, without the class: that is the server's copy of graphql's. */
type ScalarFunctions = Pick<GraphQLScalarType, 'serialize' | 'parseValue' | 'parseLiteral'>;

const functionsOf = ({ serialize, parseValue, parseLiteral }: GraphQLScalarType): ScalarFunctions => ({
  serialize,
  parseValue,
  parseLiteral,
});

const Decimal: ScalarFunctions = {
  serialize: checked,
  parseValue: checked,
  parseLiteral: (node: ValueNode) => checked(node.kind === Kind.STRING ? node.value : undefined),
};

/** Text only: a JSON number has been a float before we see it. */
function checked(value: unknown): string {
  if (typeof value === 'string' && isDecimal(value)) return value;
  throw new GraphQLError('A Decimal is text like "19.90": digits, at most one point, no exponent');
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
