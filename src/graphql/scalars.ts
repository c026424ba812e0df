import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';
import { GraphQLDateTime, GraphQLJSON, GraphQLUUID } from 'graphql-scalars';
import { isDecimal } from '../similarity/decimal.ts';

const Decimal = new GraphQLScalarType<string, string>({
  name: 'Decimal',
  serialize: checked,
  parseValue: checked,
  parseLiteral: (node) => checked(node.kind === Kind.STRING ? node.value : undefined),
});

/** Text only: a JSON number has been a float before we see it. */
function checked(value: unknown): string {
  if (typeof value === 'string' && isDecimal(value)) return value;
  throw new GraphQLError('A Decimal is text like "19.90": digits, at most one point, no exponent');
}

export const storefrontScalars = {
  Decimal,
  DateTime: GraphQLDateTime,
  UUID: GraphQLUUID,
};
export const adminScalars = { JSON: GraphQLJSON };
