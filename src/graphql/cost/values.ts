import type { FieldNode, OperationDefinitionNode, ValueNode } from 'graphql';
import type { FromArgument } from './sizes.ts';

/** Values of the variables as they came, not yet checked against their types. */
export type Variables = Readonly<Record<string, unknown>>;
/** The size that a variable says: the number that it is, the length of its own, or 1 for true and 0 for false. Null: neither; undefined: it was not sent. */
export type Size = number | null | undefined;
export type Sizes = (variable: string) => Size;
const MOST_LEVELS = 10;

/**
 * How many entries an argument asks for: the number it says, or the length of the list it holds. Never more than `most`,
 * since the resolver refuses more, and never less than 1.
 */
export function entriesAsked(
  field: FieldNode,
  { argument, standard, most }: FromArgument,
  sizes: Sizes,
  operation: OperationDefinitionNode | null,
): number {
  const node = field.arguments?.find(({ name }) => name.value === argument)?.value;
  const asked = node ? sizeIn(node, sizes, operation) : null;
  return Math.min(most, Math.max(1, asked ?? standard));
}

/** Whether an argument that is true or false is true. */
export function isWished(
  field: FieldNode,
  argument: string,
  sizes: Sizes,
  operation: OperationDefinitionNode | null,
): boolean {
  const node = field.arguments?.find(({ name }) => name.value === argument)?.value;
  return node !== undefined && sizeIn(node, sizes, operation) === 1;
}

function sizeIn(node: ValueNode, sizes: Sizes, operation: OperationDefinitionNode | null): number | null {
  if (node.kind === 'IntValue') return Number(node.value);
  if (node.kind === 'ListValue') return node.values.length;
  if (node.kind === 'BooleanValue') return Number(node.value);
  if (node.kind !== 'Variable') return null;
  const name = node.name.value;
  const size = sizes(name);
  if (size !== undefined) return size;
  const standard = operation?.variableDefinitions?.find(({ variable }) => variable.name.value === name)?.defaultValue;
  return standard ? sizeIn(standard, () => undefined, null) : null;
}

export function sizeOfValue(value: unknown): Size {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'number' && !Number.isNaN(value) ? value : null;
}

/** Counts values level by level and stops at `most`. @returns Infinity beyond it, or beyond 10 levels. */
export function countValues(variables: unknown, most: number): number {
  let level: readonly unknown[] = [variables];
  let count = 0;
  for (let depth = 0; level.length > 0; depth++) {
    count += level.length;
    if (count > most + 1 || depth > MOST_LEVELS) return Number.POSITIVE_INFINITY;
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue;
      const entries = Array.isArray(value) ? value : Object.values(value);
      if (count + next.length + entries.length > most + 1) return Number.POSITIVE_INFINITY;
      for (const entry of entries) next.push(entry);
    }
    level = next;
  }
  return count - 1; // the object around them is none
}
