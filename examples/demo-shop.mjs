// Three products, with vectors put in by hand so that the examples answer without a worker. A real shop sends products
// (mutation upsertProducts, `simili import`), and `simili worker` looks at their pictures.

const VECTORS = { 'red-mug': [1, 0], 'pink-mug': [0.8, 0.6], 'blue-jug': [0, 1] };
const PICTURES = { name: 'pictures', dimensions: 2, distance: 'euclidean', storage: 'vector' };

/**
 * Walks a model version through the phases of its job, as workers do.
 * @param {{ vectors?: Record<string, number[]>, tags?: Record<string, string[]>, spaces?: object[], fill?: (version: number) => Promise<unknown> }} [shop]
 *   `spaces`: beside the one of the pictures; `fill`: fills these
 */
export async function addDemoShop(simili, { vectors = VECTORS, tags = {}, spaces = [], fill = async () => {} } = {}) {
  const { services, repositories } = simili;
  const { models, embeddings, jobs } = repositories;
  await services.upsertProducts(
    Object.keys(vectors).map((id) => ({ id, title: id.replace('-', ' '), tags: tags[id] ?? [], imageUrls: [] })),
  );
  const { id } = await services.retrain({ reason: 'demo' }, 'example');

  const version = {
    kind: 'GOLDEN',
    parentId: null,
    dimensions: 2,
    spaces,
    checksum: '',
    artefact: new Uint8Array(),
    metrics: {},
  };
  const model = await models.commitTrained(await jobs.claim(id, 'TRAIN'), version);
  for (const space of [PICTURES, ...spaces]) await embeddings.createTable(model.number, space);
  const rows = Object.entries(vectors).map(([productId, vector]) => ({ productId, contentHash: '', vector }));
  await embeddings.upsert(model.number, rows);
  await fill(model.number);
  await models.commitEmbedded(await jobs.claim(id, 'EMBED'), model.id);
  await models.commitEvaluated(await jobs.claim(id, 'EVALUATE'), model.id, {}, []);
}
