import { PluginCommonModule, VendurePlugin } from '@vendure/core';
import { SIMILI_OPTIONS, type SimiliOptions } from './options';
import { ProductMapper } from './product-mapper';
import { ProductSync } from './product-sync';
import { SimilarItemsResolver, shopSchema } from './similar-items';
import { SimiliService } from './simili-service';

/** Similar products for a Vendure shop: its products go to Simili as they change, and `Product.similarItems` of the shop API asks it. */
@VendurePlugin({
  imports: [PluginCommonModule],
  providers: [
    { provide: SIMILI_OPTIONS, useFactory: () => SimiliPlugin.options },
    SimiliService,
    ProductMapper,
    ProductSync,
  ],
  shopApiExtensions: { schema: shopSchema, resolvers: [SimilarItemsResolver] },
  compatibility: '^3.0.0',
})
export class SimiliPlugin {
  static options: SimiliOptions;

  static init(options: SimiliOptions): typeof SimiliPlugin {
    SimiliPlugin.options = options;
    return SimiliPlugin;
  }
}
