import { availableParallelism } from 'node:os';
import { presetNamed } from '@simili/learning/network/presets';
import { describeNetwork } from '@simili/learning/network/shapes';
import type { Config } from 'simili/internal/config';

/** Memory of a training: 10.0 GB were measured with the 86 million parameters of `paper`, 0.9 GB with the 1.5 of `tiny`. */
const BYTES_EACH = 1e9;
const BYTES_PER_PARAMETER = 110;

/**
 * How the trainings of an evaluation share this machine: several at once, each in a process of its own, as far as cores and
 * memory go. That is faster than many processes on one training, which send each other gradients, and a training is then
 * the same on any machine. Processes and threads of each are what the configuration asks for.
 */
export function sideBySide(
  config: Config,
  preset: string,
  trainings: number,
  machine = { cores: availableParallelism(), bytes: process.availableMemory() },
): { hosts: number; config: Config } {
  const { SIMILI_GPUS: gpus, SIMILI_TRAIN_PROCESSES: processes, SIMILI_THREADS: threads } = config;
  if (gpus.length > 0) return { hosts: 1, config };
  const bytesEach = BYTES_EACH + BYTES_PER_PARAMETER * describeNetwork(presetNamed(preset)).parameters;
  const engines = Math.max(1, Math.floor(machine.cores / threads));
  const room = Math.max(1, Math.floor(machine.bytes / bytesEach));
  const hosts = Math.max(1, Math.min(trainings, room, Math.floor(engines / Math.max(1, processes))));
  return { hosts, config: { ...config, SIMILI_TRAIN_PROCESSES: processes || 1 } };
}
