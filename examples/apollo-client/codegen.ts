import type { CodegenConfig } from '@graphql-codegen/cli';

const { SIMILI_URL = 'http://localhost:4000' } = process.env;

export default {
  schema: `${SIMILI_URL}/schema.graphql`, // of a Simili that runs for development; or schema.graphql of the package `simili`
  documents: 'src/*.tsx',
  generates: {
    'src/gql/': {
      preset: 'client',
      config: {
        strictScalars: true,
        scalars: {
          DateTime: 'string',
          Decimal: 'string',
          EntryDateTime: 'string',
          EntryID: 'string',
          EntryUUID: 'string',
        },
      },
    },
  },
} satisfies CodegenConfig;
