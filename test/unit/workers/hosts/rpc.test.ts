import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { SimiliError } from '../../../../src/errors.ts';
import { residentMb } from '../../../../workers/hosts/memory.ts';
import { type HostOptions, NotBegun } from '../../../../workers/hosts/options.ts';
import { openHost } from '../../../../workers/hosts/rpc.ts';
import type { LateApi } from './late-host.ts';
import type { UnrulyApi } from './unruly-host.ts';

const open = (options: Partial<HostOptions> = {}) =>
  openHost<UnrulyApi>(new URL('./unruly-host.ts', import.meta.url), {
    label: 'the host',
    ...options,
  });
const shared = open();
afterAll(() => shared.close());

const crash = (why: string | RegExp) =>
  expect.objectContaining({
    code: 'ENGINE_CRASHED',
    retry: true,
    message: expect.stringMatching(why),
  });
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a call', () => {
  test('passes typed arrays both ways', async () => {
    expect(await shared.call('double', Float32Array.of(1.5, -2))).toEqual(Float32Array.of(3, -4));
  });

  test('does not wait for another one', async () => {
    const slow = shared.call('pause', 400).then(() => 'slow');
    const quick = shared.call('double', Float32Array.of(1)).then(() => 'quick');
    expect(await Promise.race([slow, quick])).toBe('quick');
    expect(await slow).toBe('slow');
  });

  test('gets its events in order, before its result', async () => {
    const seen: unknown[] = [];
    expect(await shared.call('count', 3, { onEvent: (data) => seen.push(data) })).toBe(3);
    expect(seen).toEqual([{ i: 1 }, { i: 2 }, { i: 3 }]);
  });

  test('gets a SimiliError as one, with code, retry and facts', async () => {
    const error = await shared.call('refuse', undefined as never).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SimiliError);
    expect(error).toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      retry: false,
      facts: { source: 'a.png', why: '9 x 9 pixels' },
      message: 'a.png is too large: 9 x 9 pixels',
    });
  });

  test('gets any other error by name and message, with the stack of the process that threw it', async () => {
    const error = await shared.call('stumble', undefined as never).catch((e: Error) => e);
    expect(error).toMatchObject({
      name: 'RangeError',
      message: 'out of luck',
      stack: expect.stringContaining('unruly-host'),
    });
  });

  test('fails alone when its arguments, its result or its method cannot be had', async () => {
    const pid = shared.pid;
    await expect(shared.call('double', (() => 1) as never)).rejects.toThrow(/could not be cloned/);
    await expect(shared.call('answerAFunction', undefined as never)).rejects.toThrow(/could not be cloned/);
    await expect(shared.call('toString' as never, undefined as never)).rejects.toThrow('no method toString');
    expect(shared.pid).toBe(pid);
  });

  test('runs at niceness 10 unless told otherwise, in the environment it is given', async () => {
    await using own = disposable(open({ nice: 3, env: { ONLY: 'this' } }));
    expect(await shared.call('nice', undefined as never)).toBe(10);
    expect(await own.host.call('nice', undefined as never)).toBe(3);
    const names = await own.host.call('environment', undefined as never);
    expect(names).toContain('ONLY');
    expect(names).not.toContain('PATH');
  });
});

describe('a child that ends', () => {
  const host = open();
  afterAll(() => host.close());

  test('fails all its calls with exit code and last words; the next call gets a new child', async () => {
    const calls = [host.call('pause', 10_000), host.call('exit', 7)];
    expect(await Promise.all(calls.map((call) => call.catch((e: unknown) => e)))).toEqual([
      crash(/the host exited with code 7; it said: first words \| no memory left/),
      crash(/exited with code 7/),
    ]);
    expect(await host.call('double', Float32Array.of(4))).toEqual(Float32Array.of(8));
  });

  test('by a signal names the signal', async () => {
    const call = host.call('pause', 10_000);
    const pid = await new Promise<number>((resolve) => setImmediate(() => resolve(host.pid as number)));
    process.kill(pid, 'SIGKILL');
    await expect(call).rejects.toEqual(crash(/killed by SIGKILL/));
  });

  test('because its module does not load says so instead of hanging', async () => {
    const broken = openHost(new URL('./absent.ts', import.meta.url), {
      label: 'the host',
    });
    await expect(broken.call('any', null)).rejects.toEqual(crash(/exited with code 1.*ERR_MODULE_NOT_FOUND/s));
    await broken.close();
  });

  test('because its heap is full leaves the parent alive', async () => {
    await using small = disposable(open({ maxOldSpaceMb: 40 }));
    await expect(small.host.call('hoard', undefined as never)).rejects.toEqual(crash(/killed by SIGABRT|exited with/));
  });

  test('because it was closed takes no more calls', async () => {
    const closed = open();
    const call = closed.call('pause', 10_000);
    await Promise.all([expect(call).rejects.toEqual(crash(/was closed/)), closed.close()]);
    await expect(closed.call('pause', 0)).rejects.toEqual(crash(/was closed/));
    expect(closed.pid).toBeUndefined();
  });
});

describe('a limit', () => {
  const host = open();
  afterEach(() => host.kill());
  afterAll(() => host.close());

  test('of time kills a child that is stuck; the call says how long it waited, others that the child ended', async () => {
    await host.call('pause', 0);
    const stuck = host.call('spin', undefined as never, { timeoutMs: 200 });
    const bystander = host.call('pause', 10_000);
    bystander.catch(() => {});
    await expect(stuck).rejects.toMatchObject({
      name: 'TimeoutError',
      message: 'the host did not answer within 0.2 s',
    });
    expect(await host.call('double', Float32Array.of(1))).toEqual(Float32Array.of(2));
    await expect(bystander).rejects.toEqual(crash(/did not answer within 0.2 s/));
  });

  test('of time does not count the start of the child', async () => {
    const late = openHost<LateApi>(new URL('./late-host.ts', import.meta.url), {
      label: 'the host',
    });
    expect(await late.call('double', 2, { timeoutMs: 1000 })).toBe(4);
    await late.close();
  });

  test('of memory ends a child that takes more and more; its call says so, and the next one gets a new child', async () => {
    await using bounded = disposable(open({ maxMemoryMb: 512 }));
    const { host } = bounded;
    const peak = watchPeak(() => host.pid);
    await expect(host.call('hoardBytes', undefined as never)).rejects.toMatchObject({
      name: 'QuotaExceededError',
      message: 'the host needed more than 512 MB of memory',
    });
    expect(peak.stop()).toBeGreaterThan(300);
    expect(peak.stop()).toBeLessThan(512);
    expect(await host.call('double', Float32Array.of(1))).toEqual(Float32Array.of(2));
  });

  test('of memory is kept by the system where a child is quicker than any watch', async () => {
    await using bounded = disposable(open({ maxMemoryMb: 512 }));
    const { host } = bounded;
    await expect(host.call('takeAtOnce', 2000)).rejects.toThrow(/allocation failed|failed to allocate/i);
    expect(await host.call('takeAtOnce', 100)).toBe(100 * 2 ** 20);
  });

  test('by a signal reaches the method, and the child lives on', async () => {
    await host.call('pause', 0);
    const { pid } = host;
    const controller = new AbortController();
    const call = host.call('untilCancelled', null, {
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(new Error('the job was cancelled')), 50);
    await expect(call).rejects.toThrow('the job was cancelled');
    expect(host.pid).toBe(pid);
  });

  test('by a signal delivers a result that still comes', async () => {
    await host.call('pause', 0);
    const controller = new AbortController();
    const call = host.call('summedUpWhenCancelled', null, {
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 50);
    expect(await call).toBe('stopped at step 7');
  });

  test('by a signal kills a child that does not listen, after 2 s', async () => {
    await host.call('pause', 0);
    const pid = host.pid as number;
    const controller = new AbortController();
    const call = host.call('spin', undefined as never, {
      signal: controller.signal,
    });
    const start = performance.now();
    setTimeout(() => controller.abort(new Error('shutdown')), 50);
    await expect(call).rejects.toThrow('shutdown');
    expect(performance.now() - start).toBeGreaterThan(1900);
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  test('by a signal that has already aborted starts nothing', async () => {
    await expect(
      host.call('pause', 0, {
        signal: AbortSignal.abort(new Error('too late')),
      }),
    ).rejects.toThrow('too late');
    expect(host.pid).toBeUndefined();
  });
});

describe('a child that works on one call after the other', () => {
  const host = open({ serial: true });
  afterEach(() => host.kill());
  afterAll(() => host.close());

  test('does not count what a call waits for another one', async () => {
    const first = host.call('pause', 700);
    const second = host.call('untilCancelled', null, { timeoutMs: 300 });
    second.catch(() => {});
    await first; // a clock that had begun with the call would have ended both
    await expect(second).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('that one call ends tells the others that they had no part in it', async () => {
    await host.call('pause', 0);
    const stuck = host.call('spin', undefined as never, { timeoutMs: 100 });
    const waiting = host.call('pause', 0);
    const outcome = expect(waiting).rejects.toBeInstanceOf(NotBegun);
    await expect(stuck).rejects.toMatchObject({ name: 'TimeoutError' });
    await outcome;
    const exiting = host.call('exit', 3);
    const behind = expect(host.call('pause', 10_000)).rejects.toBeInstanceOf(NotBegun);
    await expect(exiting).rejects.toEqual(crash(/exited with code 3/));
    await behind;
  });

  test('that does not start tells all of them', async () => {
    const broken = openHost(new URL('./absent.ts', import.meta.url), {
      label: 'the host',
      serial: true,
    });
    const calls = await Promise.allSettled([broken.call('any', null), broken.call('any', null)]);
    expect(calls.map((call) => call.status === 'rejected' && call.reason)).toEqual([crash(/code 1/), crash(/code 1/)]);
    await broken.close();
  });
});

/** The most that a process held, MiB: looked at often. */
function watchPeak(pid: () => number | undefined) {
  let peak = 0;
  const timer = setInterval(async () => {
    const now = pid();
    if (now !== undefined) peak = Math.max(peak, await residentMb(now));
  }, 5);
  return {
    stop() {
      clearInterval(timer);
      return peak;
    },
  };
}

test('a child ends by itself when its parent was killed', async () => {
  const parent = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('./parent.ts', import.meta.url))]);
  const [line] = (await once(parent.stdout.setEncoding('utf8'), 'data')) as [string];
  const child = Number(line);
  expect(isAlive(child)).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(() => isAlive(child), { timeout: 5000 }).toBe(false);
});

function disposable<H extends { close(): Promise<void> }>(host: H) {
  return { host, [Symbol.asyncDispose]: () => host.close() };
}
