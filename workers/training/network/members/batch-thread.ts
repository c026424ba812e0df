import { parentPort, workerData } from 'node:worker_threads';
import { augmentationNamed, drawMasks, fillBatch } from '@simili/learning/batches/augment';
import type { BatchPlan } from '@simili/learning/batches/batch';
import { describeNetwork, dropoutLayers, pictureSizeFor } from '@simili/learning/network/shapes';
import { makePictureStore } from '../../data/picture-store.ts';
import type { BatchThreadData } from './batch-maker.ts';

/** Thread of a member: plan in, float32 pictures and dropout masks out, in order. */
const { spec, rows, set, augmentation } = workerData as BatchThreadData;
const load = makePictureStore(set);
const side = pictureSizeFor(spec.inputSize);
const dropouts = dropoutLayers(describeNetwork(spec));
const settings = augmentationNamed(augmentation);

parentPort?.on('message', (plan: BatchPlan) => {
  try {
    const pictures = new Float32Array(rows * spec.inputSize ** 2 * 3);
    fillBatch(plan, (picture) => load(picture, side), side, pictures, spec.inputSize, settings);
    const masks = drawMasks(plan, dropouts, rows);
    const buffers = [pictures, ...Object.values(masks)].map(({ buffer }) => buffer as ArrayBuffer);
    parentPort?.postMessage({ pictures, masks }, buffers);
  } catch (error) {
    parentPort?.postMessage({ error });
  }
});
