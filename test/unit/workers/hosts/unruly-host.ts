import { getPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { SimiliError } from '../../../../src/errors.ts';
import { type HostRun, serveHost } from '../../../../workers/hosts/rpc.ts';

/** A host that does whatever a test of the protocol needs, also what no host should. */
const methods = {
  double: async (values: Float32Array) => values.map((value) => 2 * value),
  nice: async () => getPriority(),
  environment: async () => Object.keys(process.env),
  pause: async (ms: number) => void (await sleep(ms)),
  count: async (to: number, { event }: HostRun) => {
    for (let i = 1; i <= to; i++) event({ i });
    return to;
  },
  refuse: async () => {
    throw new SimiliError('IMAGE_TOO_LARGE', {
      source: 'a.png',
      why: '9 x 9 pixels',
    });
  },
  stumble: async () => {
    throw new RangeError('out of luck');
  },
  answerAFunction: async () => () => 1,
  exit: async (code: number) => {
    process.stderr.write('first words\nno memory left\n', () => process.exit(code));
    await sleep(10_000);
  },
  untilCancelled: async (_: null, { signal }: HostRun) => {
    await sleep(60_000, undefined, { signal });
  },
  summedUpWhenCancelled: async (_: null, { signal }: HostRun) => {
    await sleep(60_000, undefined, { signal }).catch(() => {});
    return 'stopped at step 7';
  },
  hoard: async () => {
    const hoard: number[][] = [];
    for (;;) hoard.push(new Array(10_000).fill(1));
  },
  /** Bytes outside of the JavaScript heap, as libraries take them. */
  hoardBytes: async () => {
    const hoard: Buffer[] = [];
    for (;;) {
      hoard.push(Buffer.alloc(8 * 2 ** 20, 1));
      await sleep(10);
    }
  },
  takeAtOnce: async (mb: number) => Buffer.alloc(mb * 2 ** 20, 1).length,
  spin: async () => {
    for (;;) Math.random();
  },
};
export type UnrulyApi = typeof methods;

serveHost(methods);
