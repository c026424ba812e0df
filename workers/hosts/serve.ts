import { packError, type Reply, type Request } from './messages.ts';

/** A call as its method sees it, besides the arguments. `signal` aborts when the caller cancels; `event` reaches its `onEvent`. */
export type HostRun = { signal: AbortSignal; event(data: unknown): void };
/** Arguments and results cross by structured clone: typed arrays, Maps and plain objects; no functions, no classes. */
export type HostMethods = Record<string, (args: never, run: HostRun) => Promise<unknown>>;

/**
 * The child's side of a host: answers the calls of the parent until the parent is gone. Calls run side by side; a method
 * that must not takes care of that itself.
 */
export function serveHost(methods: HostMethods): void {
  const running = new Map<number, AbortController>();
  // SIGKILL, not exit(): exit waits for native work in progress, and an orphan must not go on computing.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.on('message', (request: Request) => {
    if (request.kind === 'cancel') running.get(request.id)?.abort();
    else void answer(methods, running, request);
  });
  send({ kind: 'ready' });
}

async function answer(methods: HostMethods, running: Map<number, AbortController>, call: Request & { kind: 'call' }) {
  const { id } = call;
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const method = Object.hasOwn(methods, call.method) ? methods[call.method] : undefined;
    if (!method) throw new Error(`This host has no method ${call.method}`);
    const event = (data: unknown) => send({ kind: 'event', id, data });
    send({
      kind: 'result',
      id,
      value: await method(call.args as never, { signal: controller.signal, event }),
    });
  } catch (error) {
    send({ kind: 'failure', id, error: packError(error) });
  } finally {
    running.delete(id);
  }
}

/** Throws what cannot be cloned; a parent that has just gone is the business of 'disconnect'. */
function send(reply: Reply): void {
  process.send?.(reply, undefined, undefined, () => {});
}
