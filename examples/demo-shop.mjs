// Three products, with vectors put in by hand so that the examples answer without a worker. A real shop sends products
// (mutation upsertProducts, `simili import`), and `simili worker` looks at their pictures.

const VECTORS = { 'red-mug': [1, 0], 'pink-mug': [0.8, 0.6], 'blue-jug': [0, 1] };

/** Walks a model version through the phases of its job, as workers do. */
export async function addDemoShop({ services, repositories: { models, embeddings, jobs } }) {
  await services.upsertProducts(Object.keys(VECTORS).map((id) => ({ id, title: id.replace('-', ' '), imageUrls: [] })));
  const { id } = await services.retrain({ reason: 'demo' }, 'example');

  const version = {
    kind: 'GOLDEN',
    parentId: null,
    dimensions: 2,
    checksum: '',
    artefact: new Uint8Array(),
    metrics: {},
  };
  const model = await models.commitTrained(await jobs.claim(id, 'TRAIN'), version);
  await embeddings.createTable(model.number, model.dimensions);
  const rows = Object.entries(VECTORS).map(([productId, vector]) => ({ productId, contentHash: '', vector }));
  await embeddings.upsert(model.number, rows);
  await models.commitEmbedded(await jobs.claim(id, 'EMBED'), model.id);
  await models.commitEvaluated(await jobs.claim(id, 'EVALUATE'), model.id, {}, []);
}
