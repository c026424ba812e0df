import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * A thread that runs a module of ours. From sources the thread has to load tsx itself: Node 20 does not take the loader
 * of the process over into threads.
 */
export function openThread(url: URL, options: WorkerOptions): Worker {
  if (!url.pathname.endsWith('.ts')) return new Worker(url, options);
  const load = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(url.href)}); })`;
  return new Worker(load, { ...options, eval: true });
}
