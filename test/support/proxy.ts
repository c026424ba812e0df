import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type WayTo = AsyncDisposable & {
  /** `url` by way of the proxy. */
  url: string;
  /** Connections so far. */
  opened(): number;
  /** Nothing passes any more, and nobody is told, whatever the server does: it is frozen, behind a dead cable, or its machine is gone. */
  freeze(): void;
  /** Every connection is closed, new ones are refused by a reset. */
  cut(): void;
  restore(): void;
  /**
   * Those who are connected reach a Redis that has become the replica of another one, which refuses whatever they would write and closes nothing; new
   * connections pass, to that other one.
   */
  demote(): void;
  /** New connections pass, those that were frozen stay so and hear no more of it: a cable that was pulled and replaced. */
  replace(): void;
};

/** A question of BullMQ's that changes nothing, and its answer. */
const READING = /\bhexists\b/i;
const NOTHING = ':0\r\n';
const REFUSED = "-READONLY You can't write against a read only replica.\r\n";

/** A way to a TCP server that can fail as networks and servers fail. */
export async function proxyTo(target: string): Promise<WayTo> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const joined = new Map<Socket, Socket>();
  let opened = 0;
  let state: 'open' | 'frozen' | 'cut' = 'open';
  const server = createServer({ pauseOnConnect: true }, (near) => {
    opened += 1;
    sockets.add(near);
    near.on('error', () => {}).on('close', () => sockets.delete(near));
    if (state === 'cut') near.resetAndDestroy();
    if (state === 'open') join(near);
  });
  const join = (near: Socket) => {
    const far = connect(Number(port || 5432), hostname);
    sockets.add(far);
    joined.set(near, far);
    far.on('error', () => {}).on('close', () => sockets.delete(far) && joined.has(near) && near.destroy());
    near.on('close', () => joined.delete(near) && far.destroy());
    near.pipe(far).pipe(near);
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const closeAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    opened: () => opened,
    freeze() {
      state = 'frozen';
      for (const socket of sockets) socket.unpipe().pause();
      joined.clear();
    },
    cut() {
      state = 'cut';
      closeAll();
    },
    restore() {
      state = 'open';
      closeAll(); // what was frozen in the middle cannot be joined again
    },
    demote() {
      for (const [near, far] of joined) {
        joined.delete(near);
        far.unpipe().destroy();
        near
          .unpipe()
          .on('data', (asked) => near.write(READING.test(String(asked)) ? NOTHING : REFUSED))
          .resume();
      }
    },
    replace() {
      state = 'open';
    },
    async [Symbol.asyncDispose]() {
      closeAll();
      server.close();
    },
  };
}
