import type { MedusaResponse, MedusaStoreRequest } from '@medusajs/framework/http';
import { ContainerRegistrationKeys } from '@medusajs/framework/utils';
import { SIMILI } from '../../../../../modules/simili';
import type SimiliService from '../../../../../modules/simili/service';

const USUAL = 12;

/** Products that look like this one, best first, of the sales channels of the request's key. `list` is null while Simili is away. */
export async function GET(req: MedusaStoreRequest, res: MedusaResponse): Promise<void> {
  const channels = req.publishable_key_context.sales_channel_ids;
  const simili = req.scope.resolve<SimiliService>(SIMILI);
  const logger = req.scope.resolve(ContainerRegistrationKeys.LOGGER);
  const first = Number(req.query.first ?? USUAL);
  const list = await simili.similarItems(req.params.id ?? '', first, channels).catch((error) => {
    logger.warn(`simili: ${error}`);
    return null; // a page stands without its list
  });
  if (!list) return void res.json({ list: null });
  const { nodes, status, recommendationId } = list;
  const query = req.scope.resolve(ContainerRegistrationKeys.QUERY);
  const { data } = await query.graph({
    entity: 'product',
    fields: ['id', 'title', 'handle', 'thumbnail'],
    filters: { id: nodes.map(({ id }) => id), status: 'published' },
  });
  const byId = new Map(data.map((product) => [product.id, product]));
  res.json({ list: { status, recommendationId, nodes: nodes.flatMap(({ id }) => byId.get(id) ?? []) } });
}
