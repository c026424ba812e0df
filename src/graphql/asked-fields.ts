import type { GraphQLResolveInfo, SelectionSetNode } from 'graphql';

type Info = Pick<GraphQLResolveInfo, 'operation' | 'fragments'>;

const known = new WeakMap<Info['operation'], boolean>();

/** Whether an answer may show pictures of products: a field of their name stands in the operation or in a fragment. Looked for once a document. */
export function asksForPictures({ operation, fragments }: Info): boolean {
  let isAsked = known.get(operation);
  if (isAsked === undefined) {
    isAsked = [operation, ...Object.values(fragments)].some(({ selectionSet }) => hasImage(selectionSet));
    known.set(operation, isAsked);
  }
  return isAsked;
}

const hasImage = ({ selections }: SelectionSetNode): boolean =>
  selections.some(
    (one) =>
      (one.kind === 'Field' && one.name.value === 'image') ||
      ('selectionSet' in one && one.selectionSet !== undefined && hasImage(one.selectionSet)),
  );
