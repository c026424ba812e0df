/**
 * Makes NVIDIA's libraries multiply float32 as float32. From Ampere on they take 10 bits after the point of 23 (TF32) unless
 * they are told otherwise, by this variable for all of them, before the first one is loaded: gradients are then a
 * thousandth off, where all engines agree to a hundred-thousandth, and a first step ends at another loss.
 */
export function askForFullPrecision(): void {
  // biome-ignore lint/style/noProcessEnv: set, not read; CUDA's libraries look at it when they are loaded
  process.env.NVIDIA_TF32_OVERRIDE = '0';
}
