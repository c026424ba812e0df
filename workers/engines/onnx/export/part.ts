import { Graph } from '../graph.ts';
import type { Part } from '../import-join.ts';

/** Values keep the names that are given here, and so are shared with other parts; all others get the part's prefix. */
export const naming =
  (prefix: string, shared: Readonly<Record<string, string>>): Part['rename'] =>
  (name) =>
    Object.hasOwn(shared, name) ? (shared[name] as string) : `${prefix}/${name}`;

/** A part that is built here. `ports`: its inputs and outputs, by the names under which others know them. */
export function builtPart(
  prefix: string,
  ports: readonly string[],
  opset: number,
  build: (graph: Graph) => void,
): Part {
  const graph = new Graph(opset);
  build(graph);
  const shared = Object.fromEntries(ports.map((name) => [name, name]));
  return { model: graph.bytes(prefix), rename: naming(prefix, shared) };
}
