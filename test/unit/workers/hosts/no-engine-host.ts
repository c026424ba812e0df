import { SimiliError } from '../../../../src/errors.ts';
import { serveHost } from '../../../../workers/hosts/rpc.ts';

/** A host that finds no engine, and says which process looked. */
serveHost({
  embed: async () => {
    throw new SimiliError('ENGINE_UNAVAILABLE', { engine: 'auto', why: String(process.pid) });
  },
});
