import type { GraphQLField, GraphQLNamedType, GraphQLSchema } from 'graphql';
import type { Random } from '../../learning/numbers/random.ts';

export type RandomRequest = { query: string; variables: Record<string, unknown>; operationName: string | null };
/** How a document is drawn; each is one way to be costly. */
type Style = {
  fields: number;
  levels: number;
  alias: number;
  longNames: boolean;
  repeat: number;
  fragments: number;
  wrong: number;
  variables: number;
};

type Field = GraphQLField<unknown, unknown>;

const MOST_REPEATED = 200;
const NUMBERS = [1, 2, 5, 12, 50, 51, 100, 0, -1, 1e9, 2 ** 31, 1.5, '7', null, true, [1, 2]];

/** A request of any size and shape over a schema: most are small and valid, some try one way to be costly to its end. */
export function randomRequest(schema: GraphQLSchema, random: Random): RandomRequest {
  return new Drawing(schema, random, styleOf(random)).request();
}

function styleOf(random: Random): Style {
  const rarely = (share: number, value: number, otherwise: number) => (random.next() < share ? value : otherwise);
  return {
    fields: rarely(0.05, 600, 4 + random.int(30)),
    levels: rarely(0.2, 14, 2 + random.int(7)),
    alias: rarely(0.3, random.next(), 0.05),
    longNames: random.next() < 0.05,
    repeat: rarely(0.1, random.next(), 0.02),
    fragments: rarely(0.3, random.int(12), 0),
    wrong: rarely(0.1, 0.1, 0),
    variables: random.next(),
  };
}

class Drawing {
  private left: number;
  private names = 0;
  private readonly variables: Record<string, unknown> = {};
  private readonly declared: string[] = [];
  private fragmentOf = new Map<string, string[]>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly random: Random,
    private readonly style: Style,
  ) {
    this.left = style.fields;
  }

  request(): RandomRequest {
    const { random, schema } = this;
    const fragments = this.fragments();
    this.left = this.style.fields;
    const isMutation = random.next() < 0.1;
    const root = isMutation ? schema.getMutationType() : schema.getQueryType();
    const body = this.set(root as GraphQLNamedType, 1);
    const declared = this.declared.length ? `(${this.declared.join(' ')})` : '';
    const others = random.next() < 0.03 ? Array.from({ length: random.int(60) }, (_, i) => `query O${i} ${body}`) : [];
    const main = `${isMutation ? 'mutation' : 'query'} Main${declared} ${body}`;
    const query = [main, ...others, ...spreadFrom(body, fragments)].join('\n');
    if (random.next() < 0.01) this.variables.huge = Array(random.int(30_000)).fill({ a: [1] });
    return { query, variables: this.variables, operationName: random.next() < 0.9 ? 'Main' : null };
  }

  /** Each may spread the ones before it, twice: the exponential way. */
  private fragments(): Map<string, string> {
    const drawn = new Map<string, string>();
    for (let i = 0; i < this.style.fragments; i++) {
      const type = this.pick(['Product', 'Product', 'SimilarItemConnection', 'SimilarItemEdge', 'Query', 'PageInfo']);
      this.left = 1 + this.random.int(12);
      const name = `F${i}`;
      const body = this.set(this.schema.getType(type) as GraphQLNamedType, 1);
      drawn.set(name, `fragment ${name} on ${type} ${body}`);
      this.fragmentOf.set(type, [...(this.fragmentOf.get(type) ?? []), name]);
    }
    return drawn;
  }

  private set(type: GraphQLNamedType, level: number): string {
    const { random, style } = this;
    const fields = 'getFields' in type ? (Object.values(type.getFields()) as Field[]) : [];
    const drawn: string[] = [];
    const met = new Set<string>();
    const most = 1 + random.int(6);
    while (this.left > 0 && (drawn.length < most || random.next() < style.repeat)) {
      this.left -= 1;
      const last = drawn.at(-1) ?? '';
      const isRepeated = last !== '' && last.length < MOST_REPEATED && random.next() < style.repeat;
      drawn.push(isRepeated ? last : this.member(type, fields, level, met));
    }
    return `{ ${drawn.filter(Boolean).join(' ') || '__typename'} }`;
  }

  private member(type: GraphQLNamedType, fields: readonly Field[], level: number, met: Set<string>): string {
    const { random, style } = this;
    const spreads = this.fragmentOf.get(type.name);
    if (spreads && random.next() < 0.5) return `...${this.pick(spreads)}`;
    if (random.next() < 0.02) return `... on ${type.name} ${this.set(type, level)}`;
    if (random.next() < style.wrong)
      return this.pick(['nothing', '...Nobody', '__schema { types { name } }', 'id(x: 1)']);
    if (fields.length === 0) return '__typename';
    const field = this.pick(fields);
    const child = named(field.type);
    const isObject = 'getFields' in child;
    if (isObject && level >= style.levels) return '__typename';
    const isAlias = random.next() < style.alias;
    if (!isAlias && field.args.length > 0 && met.has(field.name)) return ''; // it would conflict
    met.add(field.name);
    const directive = random.next() < 0.02 ? ' @include(if: true)' : '';
    const alias = isAlias ? `${this.fresh()}: ` : '';
    return `${alias}${field.name}${this.args(field)}${directive}${isObject ? ` ${this.set(child, level + 1)}` : ''}`;
  }

  private args({ args }: Field): string {
    const drawn = args.flatMap(({ name, type }) => {
      if (name === 'first') return this.random.next() < 0.6 ? [`first: ${this.number()}`] : [];
      const value = VALUES[String(type)];
      return value ? [`${name}: ${value}`] : [];
    });
    return drawn.length ? `(${drawn.join(' ')})` : '';
  }

  private number(): string {
    const value = this.random.next() < 0.9 ? 1 + this.random.int(50) : this.pick(NUMBERS);
    if (this.random.next() > this.style.variables) return JSON.stringify(value);
    const name = `v${this.declared.length}`;
    const isDefault = this.random.next() < 0.2;
    this.declared.push(`$${name}: Int${isDefault ? ` = ${JSON.stringify(value)}` : ''}`);
    if (!isDefault) this.variables[name] = value;
    return `$${name}`;
  }

  private fresh(): string {
    return `n${this.names++}${this.style.longNames ? 'x'.repeat(this.random.int(200)) : ''}`;
  }

  private pick<T>(values: readonly T[]): T {
    return values[this.random.int(values.length)] as T;
  }
}

const VALUES: Readonly<Record<string, string>> = {
  'ID!': '"p1"',
  '[ID!]!': '["p1", "p2", "p3"]',
  'ProductKeyInput!': '{ id: "p1" }',
  'SubmitFeedbackInput!': '{ visitor: { id: "v" }, events: [] }',
};

/** The fragments that a selection needs: an unused one would make the document invalid. */
function spreadFrom(body: string, fragments: ReadonlyMap<string, string>, met = new Set<string>()): string[] {
  const names = [...body.matchAll(/\.\.\.(F\d+)/g)].map(([, name]) => name as string);
  return names.flatMap((name) => {
    if (met.has(name)) return [];
    met.add(name);
    const text = fragments.get(name) ?? '';
    return [text, ...spreadFrom(text, fragments, met)];
  });
}

function named(type: unknown): GraphQLNamedType {
  let inner = type as { ofType?: unknown };
  while (inner.ofType) inner = inner.ofType as { ofType?: unknown };
  return inner as GraphQLNamedType;
}
