import type {
  FieldNode,
  FragmentDefinitionNode,
  GraphQLNamedType,
  GraphQLOutputType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionSetNode,
  ValueNode,
} from 'graphql';
import { SimiliError } from '../../errors.ts';
import { type Limits, named } from './limits.ts';
import { FEW, guessedSize, type Size, sizeOf } from './sizes.ts';
import { entriesAsked, isWished, type Sizes } from './values.ts';

type Type = GraphQLNamedType | null | undefined;
type Field = {
  node: FieldNode;
  type: Type;
  size: Size;
  /** Values in its arguments. */
  values: number;
};
/** Fields of one name in one place: they answer together, as they do when executed. */
type Group = Field[];
/** Where a walk stands. */
type Place = {
  level: number;
  /** How often this place is in the answer; 0 where it is only validated, or where the schema describes itself. */
  times: number;
  /** Page size of the connection around it; null: there is none. */
  page: number | null;
};
/** Cost of the fields of one name: the most of any of them, since types may exclude each other. */
type Cost = { lists: number; page: number | null; entries: number };
const INTROSPECTION = ['__schema', '__type'];
export type Asked = {
  schema: Pick<GraphQLSchema, 'getType'>;
  /** The root of queries, `Query` in the contract: a host's may have another name. */
  query: Type;
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** Sizes of lists that variables say. */
  sizes: Sizes;
};

/**
 * Adds up what an operation, or a fragment by itself, asks for: one pass over its fields with fragments put in their
 * places. It ends at the first limit that is passed, so its own work is bounded too. Nothing is assumed of the document
 * but that it parses; no class of graphql is asked for, so any copy of it may have made the schema.
 */
export class Walk {
  private readonly spent = { aliases: 0, selections: 0, repetitions: 0, lists: 0, values: 0 };

  constructor(
    private readonly asked: Asked,
    private readonly limits: Limits,
  ) {}

  /** @throws SimiliError TOO_COSTLY. */
  operation(definition: OperationDefinitionNode, root: Type, isExecuted: boolean): void {
    const groups = this.collect([[definition.selectionSet, root]]);
    if (isExecuted) this.hold('rootFields', groups.size);
    this.fields(groups, { level: 1, times: isExecuted ? 1 : 0, page: null }, definition);
  }

  /** Validation looks at a fragment on its own, too. @throws SimiliError TOO_COSTLY. */
  fragment({ selectionSet, typeCondition }: FragmentDefinitionNode): void {
    const groups = this.collect([[selectionSet, this.asked.schema.getType(typeCondition.name.value)]]);
    this.fields(groups, { level: 1, times: 0, page: null }, null);
  }

  private fields(groups: Map<string, Group>, place: Place, operation: OperationDefinitionNode | null): void {
    // What tools ask about a schema is deeper than any question about products.
    if (groups.size > 0) this.hold('levels', place.times > 0 ? place.level : place.level / 2);
    for (const [name, group] of groups) {
      if (group.length > 1) this.compare(group);
      const cost = this.costOf(group, place, operation);
      const times = group.some(({ node }) => INTROSPECTION.includes(node.name.value)) ? 0 : place.times;
      if (times > 0) this.answer(name, group, times, cost);
      const sets = group.flatMap(({ node, type }) => (node.selectionSet ? [[node.selectionSet, type] as const] : []));
      if (sets.length === 0) continue;
      const inside = { level: place.level + 1, times: times * (cost.entries || 1), page: cost.page };
      this.fields(this.collect(sets), inside, operation);
    }
  }

  /** Every field of a name is compared with every other, arguments too. */
  private compare(group: Group): void {
    const most = group.reduce((most, { values }) => Math.max(most, values), 0);
    this.spend('repetitions', ((group.length * (group.length - 1)) / 2) * (1 + most));
  }

  /** @returns how many values there are in one. */
  private look(value: ValueNode): number {
    this.spend('selections', 1);
    const entries =
      value.kind === 'ListValue'
        ? value.values
        : value.kind === 'ObjectValue'
          ? value.fields.map((field) => field.value)
          : [];
    return entries.reduce((sum, entry) => sum + this.look(entry), 1);
  }

  private answer(name: string, group: Group, times: number, { lists, entries }: Cost): void {
    this.hold('nameCharacters', name.length);
    if (group.some(({ node }) => node.alias && node.alias.value !== node.name.value)) this.spend('aliases', 1);
    this.spend('lists', times * lists);
    this.spend('values', times * (1 + entries));
  }

  /** Fields by their name in the answer; a fragment counts once in one place. */
  private collect(sets: readonly (readonly [SelectionSetNode, Type])[]): Map<string, Group> {
    const groups = new Map<string, Group>();
    const met = new Set<string>();
    const add = (set: SelectionSetNode, parent: Type): void => {
      for (const selection of set.selections) {
        this.spend('selections', 1);
        if (selection.kind === 'Field') {
          const values = (selection.arguments ?? []).reduce((sum, { value }) => sum + this.look(value), 0);
          const name = selection.alias?.value ?? selection.name.value;
          const group = groups.get(name);
          const field = { ...fieldOf(selection, parent, this.asked.query), values };
          if (group) group.push(field);
          else groups.set(name, [field]);
        } else if (selection.kind === 'InlineFragment') {
          add(selection.selectionSet, this.narrowed(selection, parent));
        } else if (!met.has(selection.name.value)) {
          met.add(selection.name.value);
          const fragment = this.asked.fragments.get(selection.name.value);
          if (fragment) add(fragment.selectionSet, this.narrowed(fragment, parent));
        }
      }
    };
    for (const [set, parent] of sets) add(set, parent);
    return groups;
  }

  private narrowed({ typeCondition }: { typeCondition?: FragmentDefinitionNode['typeCondition'] }, parent: Type): Type {
    return typeCondition ? this.asked.schema.getType(typeCondition.name.value) : parent;
  }

  private costOf(group: Group, { page }: Place, operation: OperationDefinitionNode | null): Cost {
    const most: Cost = { lists: 0, page: null, entries: 0 };
    for (const { node, size } of group) {
      const count = (asked: Size['entries']): number => {
        if (typeof asked === 'object') return entriesAsked(node, asked, this.asked.sizes, operation);
        return asked === 'page' ? (page ?? FEW) : (asked ?? 0);
      };
      const wished = size.wishes?.filter(({ argument }) => isWished(node, argument, this.asked.sizes, operation));
      const times = wished?.reduce((product, { times }) => product * times, 1) ?? 1;
      most.lists = Math.max(most.lists, times * count(size.lists));
      if (size.page) most.page = Math.max(most.page ?? 0, count(size.page));
      most.entries = Math.max(most.entries, count(size.entries));
    }
    return most;
  }

  private spend(what: keyof typeof this.spent, amount: number): void {
    this.spent[what] += amount;
    this.hold(what, this.spent[what]);
  }

  private hold(what: keyof Limits, amount: number): void {
    if (amount > this.limits[what]) throw new SimiliError('TOO_COSTLY', { what: named[what], most: this.limits[what] });
  }
}

/** A field with the type that it answers, without list and non-null marks, and its size. */
function fieldOf(node: FieldNode, parent: Type, query: Type): Omit<Field, 'values'> {
  const name = node.name.value;
  const field = parent && 'getFields' in parent ? parent.getFields()[name] : undefined;
  if (!field || !('args' in field)) return { node, type: undefined, size: {} };
  let type: GraphQLOutputType = field.type;
  let isList = false;
  while ('ofType' in type) {
    isList ||= String(type).startsWith('[');
    type = type.ofType;
  }
  const known = sizeOf(parent === query ? 'Query' : (parent?.name ?? ''), name);
  if (known || !('getFields' in type || 'getTypes' in type)) return { node, type, size: known ?? {} };
  const given = field.args.map((argument) => argument.name);
  return { node, type, size: guessedSize(name, given, isList) };
}
