import { serveHost } from '../../../../workers/hosts/serve.ts';

/** An engine process whose encoder does not come back from pictures. */
serveHost({
  encode: async ({ pictures }: { pictures: readonly string[] }) => {
    while (pictures.length > 0);
    return { vectors: new Uint16Array() };
  },
});
