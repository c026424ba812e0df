import { expect, test } from 'vitest';
import { type AdapterInfo, describeAdapter } from '../../../../workers/engines/adapter-info.ts';

const none: AdapterInfo = { vendor: '', device: '', description: '' };

test('an adapter is called by its card, not only by its driver', () => {
  // As the driver of an H200 told it.
  const card = { vendor: 'nvidia', device: 'nvidia-h200', description: 'NVIDIA: 580.159.04 580.159.4.0' };
  expect(describeAdapter(card)).toEqual({
    title: 'nvidia-h200 (NVIDIA: 580.159.04 580.159.4.0)',
    software: false,
  });
  expect(describeAdapter({ ...none, vendor: 'intel' }).title).toBe('intel');
  expect(describeAdapter(none).title).toBe('unnamed adapter');
});

test('an adapter that computes on the CPU is no GPU, and its name says so', () => {
  const lavapipe = { ...none, device: 'llvmpipe-llvm-15-0-6-256-bits-', description: 'llvmpipe: Mesa 25.0.7' };
  expect(describeAdapter(lavapipe)).toEqual({
    title: 'llvmpipe-llvm-15-0-6-256-bits- (llvmpipe: Mesa 25.0.7) (software)',
    software: true,
  });
  expect(describeAdapter({ ...none, device: 'Intel Iris', isFallbackAdapter: true })).toEqual({
    title: 'Intel Iris (software)',
    software: true,
  });
  for (const device of ['SwiftShader Device', 'Microsoft Basic Render Driver'])
    expect(describeAdapter({ ...none, device }).software, device).toBe(true);
});
