import { Args, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import { Ctx, Logger, Product, ProductService, RequestContext } from '@vendure/core';
import gql from 'graphql-tag';
import { ProductMapper } from './product-mapper';
import { SimiliService } from './simili-service';

export const similarItemsSchema = gql`
  extend type Product {
    "Products that look like this one, best first. Null while Simili is away."
    similarItems(first: Int = 12): SimilarItems
  }
  type SimilarItems {
    "Goes back to Simili with every event about the list."
    recommendationId: String!
    "RecommendationStatus of Simili."
    status: String!
    nodes: [Product!]!
  }
`;

@Resolver('Product')
export class SimilarItemsResolver {
  constructor(
    private simili: SimiliService,
    private mapper: ProductMapper,
    private products: ProductService,
  ) {}

  @ResolveField()
  async similarItems(@Ctx() ctx: RequestContext, @Parent() { id }: Product, @Args() { first }: { first: number }) {
    try {
      const list = await this.simili.similarItems(this.mapper.idOf(id), first, ctx.channel.code);
      if (!list || list.nodes.length === 0) return list;
      const found = await this.products.findByIds(
        ctx,
        list.nodes.map((node) => this.mapper.decode(node.id)),
      );
      const byId = new Map(
        found.filter(({ enabled }) => enabled).map((product) => [this.mapper.idOf(product.id), product]),
      );
      return { ...list, nodes: list.nodes.flatMap((node) => byId.get(node.id) ?? []) };
    } catch (error) {
      Logger.warn(`similarItems(${id}): ${error}`, 'SimiliPlugin');
      return null; // a page stands without its list
    }
  }
}
