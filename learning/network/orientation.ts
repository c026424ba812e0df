import type { Tensor } from './spec.ts';

/**
 * Constants of the fixed gradient-orientation front end (a smooth histogram of oriented gradients, no weights), so that
 * every engine computes the same. Per pixel of the picture, channels c:
 *
 *   grey = mean of the channels, zeros outside;  gx = grey[x+1] - grey[x-1];  gy = grey[y+1] - grey[y-1]
 *   angle_k = (k + 1/2) pi / bins;   g_k = gx cos(angle_k) + gy sin(angle_k)
 *   m2 = gx^2 + gy^2 + magnitudeFloor;   energy_k = sqrt(m2) * (g_k^2 / m2)^8
 *   output = [mean rgb | sqrt(mean energy_k + energyFloor)], means over pool x pool pixels: 3 + bins channels
 */
export const orientation = { magnitudeFloor: 1e-6, energyFloor: 1e-4 } as const;

/** @returns HWIO kernel [3, 3, 3, bins + 2] of one SAME convolution, stride 1: g_0 .. g_(bins-1), gx, gy. */
export function orientationKernel(bins: number): Tensor {
  const filters = bins + 2;
  const data = new Float32Array(3 * 3 * 3 * filters);
  const set = (row: number, column: number, filter: number, value: number) => {
    for (let channel = 0; channel < 3; channel++)
      data[((row * 3 + column) * 3 + channel) * filters + filter] = value / 3;
  };
  directions(bins).forEach(([x, y], filter) => {
    set(1, 0, filter, -x);
    set(1, 2, filter, x);
    set(0, 1, filter, -y);
    set(2, 1, filter, y);
  });
  return { shape: [3, 3, 3, filters], data };
}

const directions = (bins: number): (readonly [number, number])[] => [
  ...Array.from({ length: bins }, (_, k) => {
    const angle = ((k + 0.5) * Math.PI) / bins;
    return [Math.cos(angle), Math.sin(angle)] as const;
  }),
  [1, 0],
  [0, 1],
];
