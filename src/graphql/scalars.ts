import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped } from 'graphql';
import { GraphQLDateTime, GraphQLJSON } from 'graphql-scalars';
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

/** Part of an entry: taken as it comes, judged by src/entries.ts. */
const entry = (name: string) =>
  new GraphQLScalarType({ name, parseValue: (value) => value, parseLiteral: valueFromASTUntyped });

export const storefrontScalars = {
  Decimal,
  DateTime: GraphQLDateTime,
  EntryID: entry('EntryID'),
  EntryUUID: entry('EntryUUID'),
  EntryDateTime: entry('EntryDateTime'),
};
export const adminScalars = {
  JSON: GraphQLJSON,
  EntryText: entry('EntryText'),
  EntryDecimal: entry('EntryDecimal'),
  EntryBoolean: entry('EntryBoolean'),
  EntryVersion: entry('EntryVersion'),
};
