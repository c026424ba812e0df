import type { ChildProcess } from 'node:child_process';
import { SimiliError } from 'simili/internal/errors';
import { collectLastWords, forkProcess } from './fork.ts';
import { limitData, watchMemory } from './memory.ts';
import { type Reply, type Request, unpackError } from './messages.ts';
import { type CallOptions, type HostOptions, NotBegun } from './options.ts';
import { limitWork } from './work-time.ts';

/** A child gets this long to load its modules, to answer after a cancel, and to end after end(). Milliseconds. */
const START_MS = 60_000;
const CANCEL_MS = 2000;
const END_MS = 2000;

/** A call that waits for its answer. */
type Pending = {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  onEvent: CallOptions['onEvent'];
  /** Whether its turn has come. */
  begun: boolean;
  /** Starts the time limit: with its turn. */
  startClock(): void;
};

/** One process of a host, from fork to exit. */
export class Child {
  readonly pid: number | undefined;
  /** Resolves when the process is gone and its calls are settled. */
  readonly gone: Promise<void>;
  private readonly process: ChildProcess;
  private readonly label: string;
  private readonly serial: boolean;
  private readonly maxMemoryMb: number | undefined;
  private readonly lastWords: () => Promise<string>;
  private readonly pending = new Map<number, Pending>();
  private nextId = 0;
  /** Up, and bounded: it gets no work before that. */
  private ready = false;
  private readonly early: Request[] = [];
  private usable = true;
  private endedFor: string | undefined;
  private readonly startTimer: NodeJS.Timeout;
  private readonly stopWatch: () => void;

  constructor(
    url: URL,
    options: HostOptions,
    /** Called once, as soon as this child can take no more calls: the next one needs another child. */
    private readonly onUnusable: () => void,
  ) {
    this.label = options.label;
    this.serial = options.serial ?? false;
    this.maxMemoryMb = options.maxMemoryMb;
    this.process = forkProcess(url, options);
    this.pid = this.process.pid;
    this.stopWatch = this.watchMemory(options.maxMemoryMb);
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
    let stopClock = () => {};
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
      stopClock = limitWork(this.pid, timeoutMs, () => this.giveUp(id, reason, why));
    };
    const answer = new Promise<unknown>((resolve, fail) => {
      const reject = (reason: unknown) => fail(signal?.aborted ? signal.reason : reason);
      this.pending.set(id, { resolve, reject, onEvent, begun: false, startClock });
      this.send({ kind: 'call', id, method, args });
      signal?.addEventListener('abort', cancel);
      this.beginTurns();
    });
    return answer.finally(() => {
      this.pending.delete(id);
      for (const timer of timers) clearTimeout(timer);
      stopClock();
      signal?.removeEventListener('abort', cancel);
      this.beginTurns();
    });
  }

  /** The turn of every call, or of the first that waits, in a child that works on one after the other. */
  private beginTurns(): void {
    if (!this.ready || !this.usable) return;
    for (const call of this.pending.values()) {
      if (!call.begun) call.startClock();
      call.begun = true;
      if (this.serial) return;
    }
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

  private async begin(): Promise<void> {
    if (this.maxMemoryMb !== undefined && this.pid !== undefined) await limitData(this.pid, this.maxMemoryMb);
    this.ready = true;
    for (const request of this.early) this.sendEarly(request);
    this.beginTurns();
  }

  private sendEarly(request: Request): void {
    try {
      this.send(request);
    } catch (error) {
      this.pending.get(request.id)?.reject(error);
    }
  }

  private receive(reply: Reply): void {
    if (reply.kind === 'ready') {
      clearTimeout(this.startTimer);
      void this.begin();
      return;
    }
    const call = this.pending.get(reply.id);
    if (reply.kind === 'event') call?.onEvent?.(reply.data);
    else if (reply.kind === 'result') call?.resolve(reply.value);
    else call?.reject(unpackError(reply.error));
  }

  /** Throws what cannot be cloned. A channel that broke means that the process is ending: `watch` reports how. */
  private send(request: Request): void {
    if (!this.ready && this.maxMemoryMb !== undefined) return void this.early.push(request);
    this.process.send(request, undefined, undefined, () => {});
  }

  private giveUp(id: number, reason: unknown, why: string): void {
    this.pending.get(id)?.reject(reason);
    void this.kill(`${this.label} ${why}`);
  }

  /** Ends the child past its memory; the call that it was working on is at fault. */
  private watchMemory(maxMemoryMb: number | undefined): () => void {
    if (maxMemoryMb === undefined || this.pid === undefined) return () => {};
    return watchMemory(this.pid, maxMemoryMb, () => {
      const why = `${this.label} needed more than ${maxMemoryMb} MB of memory`;
      for (const call of this.pending.values())
        if (call.begun) call.reject(new DOMException(why, 'QuotaExceededError'));
      void this.kill(why);
    });
  }

  private retire(why?: string): void {
    this.endedFor ??= why;
    if (!this.usable) return;
    this.usable = false;
    clearTimeout(this.startTimer);
    this.stopWatch();
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
    for (const call of this.pending.values()) {
      const waited = this.serial && this.ready && !call.begun;
      call.reject(waited ? new NotBegun(why) : new SimiliError('ENGINE_CRASHED', { why }));
    }
  }
}
