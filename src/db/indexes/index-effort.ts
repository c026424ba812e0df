/**
 * Bytes that the server lets the build of an index use by itself, that it shares for pages, and that its machine has available (null: not known). `isAsked`: others are at work
 * on it, and nobody has said how many processes a build may take.
 */
type Server = { own: number; sharedBuffers: number; available: number | null; isAsked: boolean };
/** `memory`: bytes (`maintenance_work_mem`). `alone`: one process, else as many more as the server's settings give. */
export type IndexEffort = { memory: number; alone: boolean };

/**
 * Part of `shared_buffers` that one build may take. Where these are a quarter of the machine's memory, as Postgres advises, it is a sixteenth of it;
 * where they are three quarters, as some hosts set them, not all that is left.
 */
const OF_SHARED_BUFFERS = 1 / 4;
/** Part of the memory that is available on its machine, where that is known: `shared_buffers` of 128 MB, as they are by themselves, say nothing of it. */
const OF_AVAILABLE = 1 / 8;
/** A vector's place in the graph while that is built (`m` 16), beside the row itself. */
const NODE_BYTES = 800;

/**
 * Efforts to build an HNSW index with, greatest first: a graph that does not fit into memory is built many times slower. The second and the third
 * are for servers without the memory that their settings promise; shared memory, which several processes need, ends first (64 MB in a container).
 * @param graph rows of the table, and bytes of all of them
 */
export function indexEfforts(server: Server, graph: { rows: number; bytes: number }): IndexEffort[] {
  const needed = graph.bytes + graph.rows * NODE_BYTES;
  const most = Math.max(server.sharedBuffers * OF_SHARED_BUFFERS, (server.available ?? 0) * OF_AVAILABLE);
  const memory = Math.max(server.own, Math.min(needed, most));
  return [
    { memory, alone: server.isAsked },
    { memory, alone: true },
    { memory: server.own, alone: true },
  ];
}
