import { setTimeout as sleep } from 'node:timers/promises';
import { serveHost } from '../../../../workers/hosts/rpc.ts';

/** A host that takes a while to load, as one with a native library may. */
const methods = { double: async (value: number) => 2 * value };
export type LateApi = typeof methods;

await sleep(1500);
serveHost(methods);
