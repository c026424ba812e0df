// Three products, with vectors put in by hand so that the examples answer without a worker. A real shop sends products
// (mutation upsertProducts, `simili import`), and `simili worker` looks at their pictures.

const VECTORS = { 'red-mug': [1, 0], 'pink-mug': [0.8, 0.6], 'blue-jug': [0, 1] };
const PICTURES = { name: 'pictures', dimensions: 2, distance: 'euclidean', storage: 'vector' };

/**
 * Three products, and a model for them.
 * @param {Shop & { tags?: Record<string, string[]> }} [shop]
 */
export async function addDemoShop(simili, { tags = {}, ...shop } = {}) {
  const ids = Object.keys(shop.vectors ?? VECTORS);
  await simili.services.upsertProducts(
    ids.map((id) => ({ id, title: id.replace('-', ' '), tags: tags[id] ?? [], imageUrls: [] })),
  );
  await addDemoModel(simili, shop);
}

/**
 * Walks a model version through the phases of its job, as workers do.
 * @typedef {{ vectors?: Record<string, number[]>, spaces?: object[], fill?: (version: number) => Promise<unknown>, metrics?: object }} Shop
 *   `vectors`: of products that are there, in the space of the pictures; `spaces`: beside that one; `fill`: fills these;
 *   `metrics`: what was measured of it
 * @param {Shop} [shop]
 */
export async function addDemoModel(simili, shop = {}) {
  const { vectors = VECTORS, spaces = [], fill = async () => {}, metrics = {} } = shop;
  const { services, repositories } = simili;
  const { models, embeddings, jobs } = repositories;
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
  await models.commitEvaluated(await jobs.claim(id, 'EVALUATE'), model.id, metrics, []);
}
