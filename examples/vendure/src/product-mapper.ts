import { Inject, Injectable } from '@nestjs/common';
import {
  CollectionService,
  ConfigService,
  EntityHydrator,
  type EntityIdStrategy,
  type ID,
  type Product,
  ProductVariantService,
  type RequestContext,
} from '@vendure/core';
import { SIMILI_OPTIONS, type SimiliOptions } from './options';
import type { SimiliProduct } from './simili-service';

const MOST_PICTURES = 10;
const MOST_TAGS = 100;
const MOST_CATEGORIES = 10;

/** Products of Vendure as Simili takes them. */
@Injectable()
export class ProductMapper {
  constructor(
    @Inject(SIMILI_OPTIONS) private options: SimiliOptions,
    private config: ConfigService,
    private hydrator: EntityHydrator,
    private collections: CollectionService,
    private variants: ProductVariantService,
  ) {}

  /** The id under which storefronts know it. */
  idOf(id: ID): string {
    return this.strategy.encodeId(id as number);
  }

  decode(id: string): ID {
    return this.strategy.decodeId(id);
  }

  private get strategy() {
    return this.config.entityOptions.entityIdStrategy as EntityIdStrategy<'increment'>;
  }

  async map(ctx: RequestContext, product: Product): Promise<SimiliProduct> {
    const relations = ['channels', 'featuredAsset', 'assets.asset', 'facetValues.facet', 'variants'] as const;
    await this.hydrator.hydrate(ctx, product, { relations: [...relations], applyProductVariantPrices: true });
    const variants = product.variants.filter(({ enabled, deletedAt }) => enabled && !deletedAt);
    const [cheapest] = variants.toSorted((a, b) => a.priceWithTax - b.priceWithTax);
    const stock = await Promise.all(variants.map((variant) => this.variants.getSaleableStockLevel(ctx, variant)));
    const channels = product.channels.map(({ code }) => `channel:${code}`);
    const facets = product.facetValues.map(({ code, facet }) => `${facet.code}:${code}`);
    return {
      id: this.idOf(product.id),
      title: product.name,
      imageUrls: this.picturesOf(product),
      categories: await this.categoriesOf(ctx, product),
      tags: [...new Set([...channels, ...facets])].slice(0, MOST_TAGS),
      price: cheapest ? this.amountOf(cheapest.priceWithTax) : null,
      currencyCode: cheapest ? cheapest.currencyCode : null,
      availableForSale: stock.some((level) => level > 0),
    };
  }

  private picturesOf({ featuredAsset, assets }: Product): string[] {
    const all = [featuredAsset, ...assets.map(({ asset }) => asset)].filter((asset) => asset?.type === 'IMAGE');
    const urls = all.map((asset) => new URL(asset.preview.replaceAll('\\', '/'), this.options.assets).href);
    return [...new Set(urls)].slice(0, MOST_PICTURES);
  }

  /** The longest path of collections to it, from broad to narrow. */
  private async categoriesOf(ctx: RequestContext, { id }: Product): Promise<string[]> {
    const collections = await this.collections.getCollectionsByProductId(ctx, id, true);
    const paths = await Promise.all(collections.map((collection) => this.collections.getBreadcrumbs(ctx, collection)));
    const [longest = []] = paths.toSorted((a, b) => b.length - a.length);
    return longest.slice(1, 1 + MOST_CATEGORIES).map(({ name }) => name); // the first is the root
  }

  private amountOf(price: number): string {
    const { precision = 2 } = this.config.entityOptions.moneyStrategy!;
    return (price / 10 ** precision).toFixed(precision);
  }
}
