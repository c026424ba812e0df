import { setTimeout as sleep } from 'node:timers/promises';
import { serveHost } from '../../../../workers/hosts/serve.ts';

/** An engine process that takes its time for what it is shown, and hears of no cancel. */
serveHost({
  encode: async ({ pictures }: { pictures: readonly string[] }) => {
    await sleep(3000);
    return { vectors: Uint16Array.from(pictures, (_hash, i) => i) };
  },
});
