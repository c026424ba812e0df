import { defineCommand } from 'citty';

/** Loaded when asked for: only two of them need an engine, only one the database. */
export const model = defineCommand({
  meta: { name: 'model', description: 'Network presets, pretrained networks, export of trained versions' },
  subCommands: {
    list: async () => (await import('./list.ts')).list,
    describe: async () => (await import('./describe.ts')).describe,
    import: async () => (await import('./import.ts')).importBackbone,
    export: async () => (await import('./export.ts')).exportModel,
  },
});
