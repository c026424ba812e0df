import type { EncoderFacts } from '@simili/learning/models/encoder-facts';
import { presetNamed } from '@simili/learning/network/presets';
import { pictureSizeFor } from '@simili/learning/network/shapes';
import type { EncoderDescription } from '../engines/onnx/encoder-description.ts';
import { studentPorts } from '../engines/onnx/export/student.ts';
import { sha256 } from '../tools/sha256.ts';

/** Name of a student's ONNX file, beside its encoder.json. */
export const STUDENT_FILE = 'student.onnx';

/**
 * `encoder.json` of a student. It has its teacher's licence: what it knows it has from there.
 * @param dimensions of its vectors
 */
export const describeStudent = (
  preset: string,
  teacher: EncoderFacts,
  model: Uint8Array,
  dimensions: number,
): EncoderDescription => ({
  name: `student-${preset.toLowerCase()}`,
  title: `${preset}, distilled from ${teacher.title}`.slice(0, 200),
  licence: teacher.licence,
  model: STUDENT_FILE,
  sha256: sha256(model),
  input: {
    name: studentPorts.input,
    side: pictureSizeFor(presetNamed(preset).inputSize),
    layout: 'NHWC',
    channels: 'RGB',
    mean: [0, 0, 0],
    deviation: [1, 1, 1],
  },
  output: { name: studentPorts.output, dimensions, pooling: 'none' },
});
