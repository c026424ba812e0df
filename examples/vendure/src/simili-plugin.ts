import { PluginCommonModule, VendurePlugin } from '@vendure/core';
import { concatAST } from 'graphql';
import { SIMILI_OPTIONS, type SimiliOptions } from './options';
import { ProductMapper } from './product-mapper';
import { ProductSync } from './product-sync';
import { SimilarItemsResolver, similarItemsSchema } from './similar-items';
import { SimiliService } from './simili-service';
import { StatusResolver, statusSchema } from './simili-status';

/** Similar products for a Vendure shop: its products go to Simili as they change, and `Product.similarItems` asks it, in storefronts and on a page of the dashboard. */
@VendurePlugin({
  imports: [PluginCommonModule],
  providers: [
    { provide: SIMILI_OPTIONS, useFactory: () => SimiliPlugin.options },
    SimiliService,
    ProductMapper,
    ProductSync,
  ],
  shopApiExtensions: { schema: similarItemsSchema, resolvers: [SimilarItemsResolver] },
  adminApiExtensions: {
    schema: () => concatAST([similarItemsSchema, statusSchema]),
    resolvers: [SimilarItemsResolver, StatusResolver],
  },
  dashboard: './dashboard/index.tsx',
  compatibility: '^3.0.0',
})
export class SimiliPlugin {
  static options: SimiliOptions;

  static init(options: SimiliOptions): typeof SimiliPlugin {
    SimiliPlugin.options = options;
    return SimiliPlugin;
  }
}
