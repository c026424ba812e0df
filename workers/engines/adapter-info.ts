/** WebGPU's facts about an adapter, as far as they are needed here. */
export type AdapterInfo = {
  readonly vendor: string;
  /** The card, or what stands for it: "nvidia-h200", "llvmpipe-llvm-15-0-6-256-bits-". */
  readonly device: string;
  /** The driver and its version: "NVIDIA: 580.159.04 580.159.4.0". */
  readonly description: string;
  readonly isFallbackAdapter?: boolean;
};

export type Adapter = {
  /** The card's name, and its driver's. */
  readonly title: string;
  /** It computes on the CPU (lavapipe, SwiftShader), and its title says so. */
  readonly software: boolean;
};

export function describeAdapter({ vendor, device, description, isFallbackAdapter }: AdapterInfo): Adapter {
  const card = device || vendor || 'unnamed adapter';
  const name = description ? `${card} (${description})` : card;
  const software = isFallbackAdapter === true || /llvmpipe|lavapipe|swiftshader|software|basic render/i.test(name);
  return { title: software ? `${name} (software)` : name, software };
}
