import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Adapter } from '../adapter-info.ts';

/**
 * The adapter that WebGPU gives for high performance, which ONNX Runtime asks for too but does not tell. Both are Dawn, so
 * npm's `webgpu` is asked, in a process of its own.
 * @returns null where there is none, undefined where it cannot be known: the package is not installed, or it crashes.
 */
export async function findAdapter(): Promise<Adapter | null | undefined> {
  const isSource = import.meta.url.endsWith('.ts');
  const child = fork(new URL(isSource ? './adapter-probe.ts' : './adapter-probe.js', import.meta.url), {
    execArgv: isSource ? ['--import', 'tsx'] : [],
    stdio: 'ignore',
    timeout: 60_000,
  });
  let answer: Adapter | null | undefined;
  child.on('message', (message) => {
    answer = message as Adapter | null;
  });
  await once(child, 'close');
  return answer;
}
