import { type AdapterInfo, describeAdapter } from '../adapter-info.ts';

/** The used part of npm's `webgpu`, an optional package: not there, this process ends with an error. */
type WebGpu = {
  create(options: readonly string[]): {
    requestAdapter(wish: { powerPreference: 'high-performance' }): Promise<{ readonly info: AdapterInfo } | null>;
  };
};
/** Child process of `findAdapter`: a driver that crashes costs no more than the answer. Sends an Adapter, or null. */
const { create } = (await import('webgpu' as string)) as WebGpu;
const adapter = await create([]).requestAdapter({ powerPreference: 'high-performance' });
process.send?.(adapter && describeAdapter(adapter.info), () => process.exit(0));
