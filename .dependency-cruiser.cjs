/** Who may import whom; docs/architecture.md says why. `npm run structure` checks it. */

/** Forbids imports from files that match `from` (and not `except`) to files that match `to` (and not `unless`). */
const never = (name, comment, { from, except, to, unless }) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, ...(except && { pathNot: except }) },
  to: { path: to, ...(unless && { pathNot: unless }) },
});

/** An npm package, wherever it resolves to. */
const npm = (...names) => `(^|/)node_modules/(${names.join('|')})(/|$)`;

const code = '^(src|cli|learning|workers|lab|client|hooks)/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    never(
      'src-is-the-library',
      'src knows no process: neither the workers nor the command line; it neither learns nor measures',
      {
        from: '^src/',
        to: '^(learning|workers|lab|cli|client|hooks|test|bench|scripts|examples)/',
      },
    ),
    never('the-client-stands-alone', 'A storefront installs it without anything else', {
      from: '^client/',
      to: '.',
      unless: '^client/',
    }),
    never('hooks-know-the-client', 'Hooks around the client, for the React of the shop', {
      from: '^hooks/',
      to: '.',
      unless: ['^(client|hooks)/', npm('react', '@types/react')],
    }),
    never('workers-know-no-lab', 'The lab measures what workers do, not the other way round', {
      from: '^workers/',
      to: '^lab/',
    }),
    never('workers-know-no-command-line', 'The command line starts the workers, not the other way round', {
      from: '^(workers|lab)/',
      to: '^(cli|test|bench|scripts|examples)/',
    }),
    never('workers-know-no-api', 'A worker never loads the GraphQL server', {
      from: '^workers/',
      to: '^src/(graphql/|http/|plugin\\.ts|server\\.ts|index\\.ts)',
    }),
    never('workers-load-no-api-package', 'A worker never loads the GraphQL server', {
      from: '^workers/',
      to: npm('@apollo/.*', '@as-integrations/.*', '@graphql-tools/.*', 'express', 'graphql', 'graphql-sse'),
    }),
    never(
      'use-cases-know-no-graphql',
      'graphql calls similarity, feedback, catalog, models and jobs; these call db and queue',
      {
        from: '^src/(similarity|feedback|catalog|models|jobs|db|queue)/',
        to: '^src/(graphql/|http/|plugin\\.ts|server\\.ts|index\\.ts)',
      },
    ),
    never('graphql-goes-through-use-cases', 'A resolver never opens a database or a queue; it may name their types', {
      from: '^src/graphql/',
      to: [npm('@prisma/.*', 'pg', 'pgvector', 'bullmq', 'ioredis'), '^src/generated/prisma/'],
    }),
    never('storage-is-the-bottom', 'db and queue know no use case', {
      from: '^src/(db|queue)/',
      to: '^src/(similarity|feedback|catalog|models|jobs)/',
    }),
    never('ports-are-the-floor', 'A seam names what it is given itself: whoever implements one reads nothing else', {
      from: '^src/ports/',
      to: '^src/(?!ports/|errors\\.ts|(text|decimal)\\.ts)',
    }),
    never('learning-is-arithmetic', 'learning depends on itself, zod and ml-matrix', {
      from: '^learning/',
      to: '.',
      // Hashing is arithmetic too: the splits are made by a hash of the id.
      unless: ['^learning/', npm('zod', 'ml-matrix'), '^(node:)?crypto$'],
    }),
    never('hosts-are-rpc', 'workers/hosts is how a process is called, whatever it computes', {
      from: '^workers/hosts/',
      to: '^(workers/(?!hosts/)|src/(db|queue|catalog|models|jobs)/|learning/)',
    }),
    never('only-engines-load-an-engine', 'TensorFlow.js and ONNX Runtime stay behind workers/engines', {
      from: code,
      except: '^workers/engines/',
      to: npm('@tensorflow/.*', 'onnxruntime-(node|common)', 'webgpu', 'protobufjs'),
    }),
    never('engines-do-no-io', 'An engine knows no database, queue or use case', {
      from: '^workers/engines/',
      to: '^src/(?!errors\\.ts|text\\.ts|training-names\\.ts)',
    }),
    never('only-pictures-decode', 'Pictures are decoded in workers/pictures; the simulator draws its own', {
      from: code,
      except: ['^workers/pictures/', '^lab/simulate/'],
      to: npm('sharp', '@img/.*'),
    }),
    never('only-db-knows-prisma', 'The generated client and the database drivers stay in src/db', {
      from: code,
      except: ['^src/db/', '^src/generated/prisma/'],
      to: ['^src/generated/prisma/', npm('@prisma/.*', 'pgvector', '@electric-sql/.*', 'pglite-prisma-adapter')],
    }),
    never('only-db-and-queue-open-postgres', 'BullMQ on Postgres has a pool of its own', {
      from: code,
      except: '^src/(db|queue)/',
      to: npm('pg'),
    }),
    never('only-queue-knows-bullmq', 'BullMQ and Redis stay in src/queue', {
      from: code,
      // The embedded database is one session for both: it also makes BullMQ's tables.
      except: ['^src/queue/', '^src/db/embedded\\.ts$'],
      to: npm('bullmq', 'ioredis'),
    }),
    never('no-development-package', 'What ships imports only what is installed with it', {
      from: code,
      to: npm(
        'vitest',
        'fast-check',
        'tsx',
        'typescript',
        'prisma',
        'playwright-core',
        '@graphql-codegen/.*',
        '@apollo/(subgraph|federation-internals)',
      ),
    }),
    {
      name: 'no-cycle',
      comment: 'Type-only imports count: what cannot be read in one direction is one thing',
      severity: 'error',
      from: { pathNot: '^src/generated/' },
      to: { circular: true, viaOnly: { pathNot: '^src/generated/' } },
    },
    {
      name: 'no-two-way-folders',
      comment: 'What two folders need of each other belongs into one of them, or below both',
      severity: 'error',
      scope: 'folder',
      from: { path: '^(src|learning|workers|lab)/[^/]+', pathNot: '^src/(graphql|generated)' },
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'An import of something that is not there',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(@tensorflow/tfjs-node|webgpu)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
