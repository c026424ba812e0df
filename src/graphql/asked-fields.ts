import type { GraphQLOutputType, GraphQLResolveInfo, SelectionSetNode } from 'graphql';
import type { Parts } from '../db/sql/product-columns.ts';

type Info = Pick<GraphQLResolveInfo, 'operation' | 'fragments' | 'returnType'>;

/** Fields of a product of ours, and the part that each needs. */
const NEEDS: Readonly<Record<string, keyof Parts | null>> = {
  id: null,
  title: null,
  url: null,
  price: null,
  availableForSale: null,
  groupId: null,
  similarItems: null,
  image: 'pictures',
  categories: 'labels',
  tags: 'labels',
};
const ALL: Parts = {};

const known = new WeakMap<Info['operation'], Parts>();

/**
 * Parts of products that an answer may show: their fields stand in the operation or in a fragment, whoever's fields they are. A field of
 * products that is not ours, which a shop has added, may read any part. Looked for once a document.
 */
export function partsShown(info: Info): Parts {
  const { operation, fragments, returnType } = info;
  const before = known.get(operation);
  if (before) return before;
  const asked = new Set([operation, ...Object.values(fragments)].flatMap(({ selectionSet }) => namesIn(selectionSet)));
  const isForeign = fieldsOfProducts(returnType).some((name) => asked.has(name) && !Object.hasOwn(NEEDS, name));
  const needed = new Set([...asked].map((name) => NEEDS[name]));
  const parts = isForeign ? ALL : { pictures: needed.has('pictures'), labels: needed.has('labels') };
  known.set(operation, parts);
  return parts;
}

const namesIn = ({ selections }: SelectionSetNode): string[] =>
  selections.flatMap((one) => [
    ...(one.kind === 'Field' ? [one.name.value] : []),
    ...('selectionSet' in one && one.selectionSet !== undefined ? namesIn(one.selectionSet) : []),
  ]);

/** @param list the type of a field that gives a list of products: its `nodes` are these */
function fieldsOfProducts(list: GraphQLOutputType): string[] {
  const { nodes } = fieldsOf(list);
  return nodes ? Object.keys(fieldsOf(nodes.type)) : [];
}

/** Fields of an object, or of objects in a list. Told by what a type has: a host's copy of graphql may be another than ours. */
function fieldsOf(type: GraphQLOutputType): Readonly<Record<string, { type: GraphQLOutputType }>> {
  if ('ofType' in type) return fieldsOf(type.ofType);
  return 'getFields' in type ? type.getFields() : {};
}
