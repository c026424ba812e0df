import { defineCommand } from 'citty';
import { completionOf } from '../completion.ts';
import type { AnyCommand, Entries } from '../dispatch.ts';

/** @param commands all that there are, this one among them */
export const completionFor = (commands: Entries): AnyCommand =>
  defineCommand({ run: async () => void process.stdout.write(await completionOf(commands)) });
