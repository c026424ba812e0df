import { SimiliError } from 'simili/internal/errors';
import { Child } from './child.ts';
import type { CallOptions, HostOptions } from './options.ts';

export { type HostRun, serveHost } from './serve.ts';

/** Methods by name, as the child serves them: one argument, a promise. */
type Methods<Api> = {
  [M in keyof Api]: (args: never, ...rest: never[]) => Promise<unknown>;
};

/** For callers that name no Api. */
type AnyApi = Record<string, (args: unknown) => Promise<unknown>>;

export type Host<Api extends Methods<Api>> = {
  /**
   * Calls a method in the child, which is started when there is none. Any number of calls may be in flight.
   * Throws what the method threw (a SimiliError stays one); SimiliError ENGINE_CRASHED when the child ended before it
   * answered: all its calls get that, and the next call starts a new child. Limits: see HostOptions and CallOptions.
   */
  call<M extends keyof Api & string>(
    method: M,
    args: Parameters<Api[M]>[0],
    options?: CallOptions,
  ): Promise<Awaited<ReturnType<Api[M]>>>;
  /** Process id of the running child; undefined while there is none. */
  readonly pid: number | undefined;
  /** Whether close() was called. */
  readonly closed: boolean;
  /** Ends the child and waits for its end. Calls in flight, and later ones, reject with ENGINE_CRASHED. */
  close(): Promise<void>;
  /** Ends the child at once; its calls reject with ENGINE_CRASHED. The next call starts a new child. */
  kill(): Promise<void>;
};

/**
 * A child process that answers typed calls. It starts with the first call and ends with close() or with its parent.
 * @param childUrl of a module that calls `serveHost`: `.ts` when running from sources, `.js` when built.
 */
export function openHost<Api extends Methods<Api> = AnyApi>(childUrl: URL, options: HostOptions): Host<Api> {
  const alive = new Set<Child>();
  let current: Child | undefined;
  let closed = false;

  const running = (): Child => {
    if (closed)
      throw new SimiliError('ENGINE_CRASHED', {
        why: `${options.label} was closed`,
      });
    if (current) return current;
    const child = new Child(childUrl, options, () => {
      current = undefined;
    });
    alive.add(child);
    void child.gone.then(() => alive.delete(child));
    current = child;
    return child;
  };
  return {
    call: async (method, args, callOptions = {}) => {
      callOptions.signal?.throwIfAborted();
      const child = running();
      try {
        return (await child.call(method, args, callOptions)) as never;
      } catch (error) {
        if (error instanceof SimiliError && options.endsAfter?.includes(error.code))
          await child.kill(`${options.label} was stopped after ${error.code}`);
        throw error;
      }
    },
    get pid() {
      return current?.pid;
    },
    get closed() {
      return closed;
    },
    close: async () => {
      closed = true;
      await Promise.all([...alive].map((child) => child.end()));
    },
    kill: async () => {
      await current?.kill(`${options.label} was stopped`);
    },
  };
}
