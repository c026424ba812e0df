import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { SimiliError } from '../../src/errors.ts';
import { type Reply, type Request, unpackError } from './messages.ts';
import type { CallOptions, HostOptions } from './options.ts';

/** A child gets this long to load its modules, to answer after a cancel, and to end after end(). Milliseconds. */
const START_MS = 60_000;
const CANCEL_MS = 2000;
const END_MS = 2000;
const STDERR_LINES = 8;

/** A call that waits for its answer. */
type Pending = {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  onEvent: CallOptions['onEvent'];
  /** Starts the time limit: when the child is up. */
  startClock(): void;
};

/** One process of a host, from fork to exit. */
export class Child {
  readonly pid: number | undefined;
  /** Resolves when the process is gone and its calls are settled. */
  readonly gone: Promise<void>;
  private readonly process: ChildProcess;
  private readonly label: string;
  private readonly lastWords: () => Promise<string>;
  private readonly pending = new Map<number, Pending>();
  private nextId = 0;
  private ready = false;
  private usable = true;
  private endedFor: string | undefined;
  private readonly startTimer: NodeJS.Timeout;

  constructor(
    url: URL,
    options: HostOptions,
    /** Called once, as soon as this child can take no more calls: the next one needs another child. */
    private readonly onUnusable: () => void,
  ) {
    this.label = options.label;
    this.process = forkProcess(url, options);
    this.pid = this.process.pid;
    this.lastWords = collectLastWords(this.process);
    this.process.on('message', (reply: Reply) => this.receive(reply));
    this.gone = this.watch();
    this.startTimer = setTimeout(
      () => void this.kill(`${this.label} did not start within ${START_MS / 1000} s`),
      START_MS,
    );
  }

  /** See `Host.call`. */
  call(method: string, args: unknown, { signal, timeoutMs, onEvent }: CallOptions): Promise<unknown> {
    const id = this.nextId++;
    const timers: NodeJS.Timeout[] = [];
    const cancel = () => {
      this.send({ kind: 'cancel', id });
      timers.push(
        setTimeout(
          () => this.giveUp(id, signal?.reason, `did not stop within ${CANCEL_MS / 1000} s of a cancel`),
          CANCEL_MS,
        ),
      );
    };
    const startClock = () => {
      if (timeoutMs === undefined) return;
      const why = `did not answer within ${timeoutMs / 1000} s`;
      const reason = new DOMException(`${this.label} ${why}`, 'TimeoutError');
      timers.push(setTimeout(() => this.giveUp(id, reason, why), timeoutMs));
    };
    const answer = new Promise<unknown>((resolve, fail) => {
      const reject = (reason: unknown) => fail(signal?.aborted ? signal.reason : reason);
      this.pending.set(id, { resolve, reject, onEvent, startClock });
      this.send({ kind: 'call', id, method, args });
      signal?.addEventListener('abort', cancel);
      if (this.ready) startClock();
    });
    return answer.finally(() => {
      this.pending.delete(id);
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
    });
  }

  /** Ends the process and waits for its end. */
  async kill(why: string): Promise<void> {
    this.retire(why);
    this.process.kill('SIGKILL');
    await this.gone;
  }

  /** Lets the process notice that its parent is done with it; kills it when it does not. */
  async end(): Promise<void> {
    this.retire(`${this.label} was closed`);
    if (this.process.connected) this.process.disconnect();
    const timer = setTimeout(() => this.process.kill('SIGKILL'), END_MS);
    await this.gone;
    clearTimeout(timer);
  }

  private receive(reply: Reply): void {
    if (reply.kind === 'ready') {
      this.ready = true;
      clearTimeout(this.startTimer);
      for (const call of this.pending.values()) call.startClock();
      return;
    }
    const call = this.pending.get(reply.id);
    if (reply.kind === 'event') call?.onEvent?.(reply.data);
    else if (reply.kind === 'result') call?.resolve(reply.value);
    else call?.reject(unpackError(reply.error));
  }

  /** Throws what cannot be cloned. A channel that broke means that the process is ending: `watch` reports how. */
  private send(request: Request): void {
    this.process.send(request, undefined, undefined, () => {});
  }

  private giveUp(id: number, reason: unknown, why: string): void {
    this.pending.get(id)?.reject(reason);
    void this.kill(`${this.label} ${why}`);
  }

  private retire(why?: string): void {
    this.endedFor ??= why;
    if (!this.usable) return;
    this.usable = false;
    clearTimeout(this.startTimer);
    this.onUnusable();
  }

  /** Settles every call once the process has ended, however it did. */
  private async watch(): Promise<void> {
    const how = await new Promise<string>((resolve) => {
      // 'exit', not 'close': the latter does not come after a disconnect.
      this.process.once('exit', (code, signal) =>
        resolve(signal ? `was killed by ${signal}` : `exited with code ${code}`),
      );
      this.process.on('error', (error) => {
        if (this.pid === undefined) resolve(`cannot be started: ${error.message}`);
      });
    });
    this.retire();
    const words = await this.lastWords();
    const why = this.endedFor ?? `${this.label} ${how}${words && `; it said: ${words}`}`;
    for (const call of this.pending.values()) call.reject(new SimiliError('ENGINE_CRASHED', { why }));
  }
}

function forkProcess(url: URL, { nice = 10, maxOldSpaceMb, env }: HostOptions): ChildProcess {
  const child = fork(url, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [
      ...(url.pathname.endsWith('.ts') ? ['--import', 'tsx'] : []),
      ...(maxOldSpaceMb === undefined ? [] : [`--max-old-space-size=${maxOldSpaceMb}`]),
    ],
    ...(env && { env }),
  });
  try {
    // At once: on Linux niceness belongs to a thread, and the child's other threads inherit it when they start.
    if (child.pid !== undefined) setPriority(child.pid, nice);
  } catch {
    // The child is gone already, which is reported elsewhere, or this system forbids it: it runs as any process then.
  }
  return child;
}

/** Collects the end of what the child writes to stderr. @returns it on one line, once it has all been read. */
function collectLastWords({ stderr }: ChildProcess): () => Promise<string> {
  let tail = '';
  stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-4000);
  });
  return async () => {
    // The limit: a grandchild may hold the pipe open.
    if (stderr && !stderr.closed) await once(stderr, 'close', { signal: AbortSignal.timeout(200) }).catch(() => {});
    return tail
      .trim()
      .split('\n')
      .slice(-STDERR_LINES)
      .map((line) => line.trim())
      .join(' | ');
  };
}
