import type { Entries } from './dispatch.ts';

/** Packages that an API server does without: where one is missing, help says so in place of the command's description. */
const [LEARNING, WORKER, LAB] = ['@simili/learning', '@simili/worker', '@simili/lab'];

/** All commands. What help says of them stands here, so that it loads none. */
export const commands: Entries = {
  start: {
    about: 'API and workers in one process; an empty catalog gets the demo pictures',
    needs: WORKER,
    load: async () => (await import('./commands/start.ts')).start,
  },
  serve: {
    about: 'Run the API alone; workers run elsewhere (simili worker). Needs DATABASE_URL.',
    load: async () => (await import('./commands/serve.ts')).serve,
  },
  worker: {
    about: 'Take work from the queues. Needs DATABASE_URL.',
    needs: WORKER,
    load: async () => (await import('./commands/worker.ts')).worker,
  },
  migrate: {
    about: 'Bring the database, and the queue in it, to the newest schema. Every other command does so too.',
    load: async () => (await import('./commands/migrate.ts')).migrate,
  },
  catalog: {
    about: 'Several catalogs in one database (docs/production.md)',
    commands: {
      list: {
        about: 'The catalogs, and how many products each has',
        load: async () => (await import('./commands/catalog.ts')).list,
      },
      create: {
        about: 'Make a catalog; safe to repeat',
        load: async () => (await import('./commands/catalog.ts')).create,
      },
      remove: {
        about: 'Remove a catalog with all its products, feedback and model versions, for good',
        load: async () => (await import('./commands/catalog.ts')).remove,
      },
    },
  },
  import: {
    about: 'Load a catalog: a folder of pictures, a CSV, JSON or XML file of your own or of a shop (docs/catalog.md)',
    load: async () => (await import('./commands/import.ts')).importCatalog,
  },
  model: {
    about: 'Network presets, pretrained networks, export of trained versions',
    commands: {
      list: {
        about: 'The network presets: size of their pictures and vectors, parameters, FLOPs',
        needs: LEARNING,
        load: async () => (await import('./commands/model/list.ts')).list,
      },
      describe: {
        about: 'Layers, sizes, parameters, FLOPs and memory of a network preset',
        needs: LEARNING,
        load: async () => (await import('./commands/model/describe.ts')).describe,
      },
      import: {
        about: 'Check a pretrained ONNX network and show what it becomes in front of a preset (docs/models.md)',
        needs: WORKER,
        load: async () => (await import('./commands/model/import.ts')).importBackbone,
      },
      export: {
        about: 'Write a model version as one file: ONNX for any runtime, or its own safetensors (docs/models.md)',
        needs: WORKER,
        load: async () => (await import('./commands/model/export.ts')).exportModel,
      },
    },
  },
  encoder: {
    about: 'Pretrained networks that look at every picture (docs/encoders.md)',
    commands: {
      list: {
        about: 'The encoders that ship, those that were pulled, and the one that is configured',
        needs: WORKER,
        load: async () => (await import('./commands/encoder/list.ts')).list,
      },
      pull: {
        about: 'Download an encoder from the Hugging Face hub; its licence is shown before',
        needs: WORKER,
        load: async () => (await import('./commands/encoder/pull.ts')).pull,
      },
      check: {
        about:
          'Run an encoder in a bounded process: speed, memory, steadiness, and what it finds alike in own products',
        needs: LAB,
        load: async () => (await import('./commands/encoder/check.ts')).check,
      },
    },
  },
  distil: {
    about:
      'Train a small encoder on the catalog that finds the neighbours that the configured one finds (docs/distil.md)',
    needs: LAB,
    load: async () => (await import('./commands/distil.ts')).distil,
  },
  evaluate: {
    about: 'Compare every method of the paper on a folder of labelled pictures (docs/evaluation.md)',
    needs: LAB,
    load: async () => (await import('./commands/evaluate.ts')).evaluate,
  },
  label: {
    about: 'A local page that asks people which of two pictures looks more like a third (docs/label.md)',
    needs: LAB,
    load: async () => (await import('./commands/label.ts')).label,
  },
  ratings: {
    about: 'Give a shop what people answered: the triplets.csv of simili label (docs/label.md)',
    load: async () => (await import('./commands/ratings.ts')).ratings,
  },
  simulate: {
    about:
      'Send simulated shoppers through the public API, train, measure. Proves plumbing, not quality (docs/simulate.md)',
    needs: LAB,
    load: async () => (await import('./commands/simulate.ts')).simulate,
  },
  doctor: {
    about: 'Try every engine on this machine and tell which one a worker takes.',
    needs: WORKER,
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  key: {
    about: 'Keys with scopes, each for one catalog or for all (docs/api.md)',
    commands: {
      create: {
        about: 'Make a key and print it, this once',
        load: async () => (await import('./commands/key/create.ts')).create,
      },
      list: {
        about: 'Keys, and what each may do; of the keys themselves only hashes are kept',
        load: async () => (await import('./commands/key/list.ts')).list,
      },
      revoke: {
        about: 'End a key, at once and in all processes',
        load: async () => (await import('./commands/key/revoke.ts')).revoke,
      },
    },
  },
  'admin-key': {
    about: 'Make a new admin key and print it; the old one ends. (Not with SIMILI_ADMIN_KEY.)',
    load: async () => (await import('./commands/admin-key.ts')).adminKey,
  },
  completion: {
    about: 'Print what completes commands and options in bash and zsh: source <(simili completion)',
    load: async () => (await import('./commands/completion.ts')).completionFor(commands),
  },
};
