import type { CodegenConfig } from '@graphql-codegen/cli';

const federation =
  'directive @link(url: String!, import: [String]) on SCHEMA\n' +
  'directive @key(fields: String!) on OBJECT\n' +
  'directive @shareable on FIELD_DEFINITION | OBJECT';

export default {
  schema: ['schema.graphql', 'schema.admin.graphql', federation],
  generates: {
    'src/generated/graphql.ts': {
      plugins: ['typescript', 'typescript-resolvers'],
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        federation: true,
        contextType: '../graphql/scope.ts#RequestContext',
        scalars: {
          ID: 'string',
          DateTime: { input: 'Date', output: 'Date' },
          Decimal: 'string',
          // Judged entry by entry, after GraphQL: anything may come.
          ...Object.fromEntries(
            ['ID', 'UUID', 'DateTime', 'Text', 'Decimal', 'Boolean', 'Version'].map((name) => [
              `Entry${name}`,
              'unknown',
            ]),
          ),
          Upload: 'unknown',
          JSON: 'unknown',
        },
        mappers: {
          Product: '../db/sql/product-row.ts#ProductRow',
          SimilarItemConnection: '../similarity/similar-items.ts#SimilarItemsPage',
          SimilarToProductsConnection: '../similarity/similar-to-products.ts#SimilarToProductsPage',
          SimilarToPictureConnection: '../similarity/similar-to-picture.ts#SimilarToPicturePage',
          SimilarItemEdge: '../similarity/similar-item.ts#SimilarItem',
          ProductConnection: '../catalog/product-page.ts#ProductPage',
          ModelVersion: '../db/models.ts#ModelRow',
          FeedbackHealth: '../feedback/health.ts#FeedbackFigures',
          Job: '../db/jobs.ts#JobRow',
        },
      },
    },
  },
} satisfies CodegenConfig;
