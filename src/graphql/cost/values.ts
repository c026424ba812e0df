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
  const names = [argument].flat();
  let asked: number | null = null;
  for (const { name, value } of field.arguments ?? []) {
    if (!names.includes(name.value)) continue;
    const size = sizeIn(value, sizes, operation);
    if (size !== null) asked = Math.max(asked ?? size, size);
  }
  return Math.min(most, Math.max(1, asked ?? standard));
}

/** Whether an argument asks for something: it is true, or a number above 0. */
export function isWished(
  field: FieldNode,
  argument: string,
  sizes: Sizes,
  operation: OperationDefinitionNode | null,
): boolean {
  const node = field.arguments?.find(({ name }) => name.value === argument)?.value;
  return node !== undefined && (sizeIn(node, sizes, operation) ?? 0) > 0;
}

function sizeIn(node: ValueNode, sizes: Sizes, operation: OperationDefinitionNode | null): number | null {
  if (node.kind === 'IntValue' || node.kind === 'FloatValue') return Number(node.value);
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

/** Counts values on all levels and stops behind `most`. @returns Infinity beyond it, or beyond 10 levels. */
export function countValues(value: unknown, most: number, levels: number = MOST_LEVELS): number {
  if (typeof value !== 'object' || value === null) return 0;
  const entries: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  if (levels === 0 && entries.length > 0) return Number.POSITIVE_INFINITY;
  let count = entries.length;
  for (let i = 0; i < entries.length && count <= most; i++) {
    // A number or a text is counted already: most of what comes is one.
    if (typeof entries[i] === 'object') count += countValues(entries[i], most - count, levels - 1);
  }
  return count <= most ? count : Number.POSITIVE_INFINITY;
}
