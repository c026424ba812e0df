import { defineCommand } from 'citty';

export const key = defineCommand({
  meta: { name: 'key', description: 'Keys with scopes, each for one catalog or for all (docs/api.md)' },
  subCommands: {
    create: async () => (await import('./create.ts')).create,
    list: async () => (await import('./list.ts')).list,
    revoke: async () => (await import('./revoke.ts')).revoke,
  },
});
