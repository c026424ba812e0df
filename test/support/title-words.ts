import { loadExtensions } from '../../src/load-extensions.ts';
import { packageFile } from '../../src/package-root.ts';
import type { ProductEncoder } from '../../src/ports/encoder.ts';

const { encoders } = await loadExtensions({ SIMILI_EXTENSIONS: packageFile('examples/own-encoder/title-words.mjs') });

/** The encoder of examples/own-encoder, as a process of a shop loads it. */
export const [titleWords] = encoders as readonly [ProductEncoder];
