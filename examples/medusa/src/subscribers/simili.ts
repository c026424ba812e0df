import type { SubscriberArgs, SubscriberConfig } from '@medusajs/framework';
import { ContainerRegistrationKeys } from '@medusajs/framework/utils';
import { SIMILI } from '../modules/simili';
import type SimiliService from '../modules/simili/service';
import { sendProducts } from '../simili-sync';

/** A change goes over as it happens; one that does not is kept for the job (src/jobs/simili.ts). */
export default async function tellSimili({ event: { name, data }, container }: SubscriberArgs<{ id: string }>) {
  const ids = name.startsWith('product-variant.') ? await productsOf(container, data.id) : [data.id];
  try {
    await sendProducts(container, ids);
  } catch (error) {
    container.resolve(ContainerRegistrationKeys.LOGGER).warn(`simili: ${error}`);
    container.resolve<SimiliService>(SIMILI).keep(ids);
  }
}

async function productsOf(container: SubscriberArgs['container'], id: string): Promise<string[]> {
  const query = container.resolve(ContainerRegistrationKeys.QUERY);
  const { data } = await query.graph({ entity: 'variant', fields: ['product_id'], filters: { id }, withDeleted: true });
  return data.flatMap(({ product_id }) => product_id ?? []);
}

export const config: SubscriberConfig = {
  event: [
    'product.created',
    'product.updated',
    'product.deleted',
    'product-variant.created',
    'product-variant.updated',
    'product-variant.deleted',
  ],
};
