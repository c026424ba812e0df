import { defineCommand } from 'citty';
import { completionOf } from '../completion.ts';
import type { AnyCommand } from '../dispatch.ts';

/** @param root with all commands, this one among them */
export const completionFor = (root: () => AnyCommand): AnyCommand =>
  defineCommand({
    meta: {
      name: 'completion',
      description: 'Print what completes commands and options in bash and zsh: source <(simili completion)',
    },
    run: async () => void process.stdout.write(await completionOf(root())),
  });
