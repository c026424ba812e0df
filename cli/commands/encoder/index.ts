import { defineCommand } from 'citty';

export const encoder = defineCommand({
  meta: { name: 'encoder', description: 'Pretrained networks that look at every picture (docs/encoders.md)' },
  subCommands: {
    list: async () => (await import('./list.ts')).list,
    pull: async () => (await import('./pull.ts')).pull,
    check: async () => (await import('./check.ts')).check,
  },
});
