import { type BesideTeacher, NEIGHBOURS, type SystemQuality } from '@simili/lab/compare/beside-teacher';
import type { TriedEncoder } from '@simili/worker/encoders/try-encoder';
import type { DistilResult } from '@simili/worker/training/protocol';
import { short, table } from '../table.ts';

type Cost = {
  readonly id: string;
  readonly title: string;
  /** Size of its file. */
  readonly bytes: number;
  /** Milliseconds of one core a picture: alone, and four at a time. */
  readonly alone: number;
  readonly batched: number;
};

/** Report that `simili distil --json` prints and keeps beside the student. */
export type DistilReport = {
  readonly student: Cost & { readonly folder: string };
  readonly teacher: Cost;
  readonly training: Omit<DistilResult, 'model' | 'pictures'> & {
    readonly preset: string;
    readonly seed: number;
    readonly seconds: number;
    readonly products: number;
    /** Pictures trained on, those that came again among them. */
    readonly rows: number;
  };
  /** Held-out pictures that are looked up among each other, and what is right. */
  readonly pictures: number;
  readonly right: BesideTeacher['right'];
  readonly systems: readonly SystemQuality[];
};

type Parts = {
  readonly training: DistilResult & Omit<DistilReport['training'], 'rows'>;
  readonly out: string;
  readonly quality: BesideTeacher;
  readonly student: TriedEncoder;
  readonly teacher: TriedEncoder;
};

export function makeReport({ training, out, quality, student, teacher }: Parts): DistilReport {
  const { model: _model, pictures: rows, ...facts } = training;
  return {
    student: { ...costOf(student), folder: out },
    teacher: costOf(teacher),
    training: { ...facts, rows },
    ...quality,
  };
}

const costOf = ({ installed, bytes, alone, batched }: TriedEncoder): Cost => ({
  id: installed.facts.id,
  title: installed.facts.title,
  bytes,
  alone,
  batched,
});

/** For a terminal. */
export function describeReport({ student, teacher, systems, pictures, right }: DistilReport): string {
  const costs: Partial<Record<SystemQuality['system'], Cost>> = { teacher, student };
  const three = (value: number | null): string => (value === null ? '-' : value.toFixed(3));
  const rows = systems.map(({ system, neighbours, p1, map }) => {
    const cost = costs[system];
    const speed = cost ? [cost.alone.toFixed(2), cost.batched.toFixed(2), `${short(cost.bytes)}B`] : ['', '', ''];
    return [system, ...speed, three(neighbours), three(p1), three(map)];
  });
  const head = ['', 'ms alone', 'ms of 4', 'file', `teacher's ${NEIGHBOURS}`, 'P@1', 'mAP'];
  const rightIs = right === 'product' ? 'another picture of the product' : 'a product of the same category';
  return [
    ...table(head, rows, [false, true, true, true, true, true, true]),
    '',
    `Looked up: ${pictures} pictures of products that taught nothing, among themselves. Right for P@1 and mAP: ${rightIs}.`,
    `ms: of one core, a picture alone and four at a time. ${(teacher.batched / student.batched).toFixed(0)} times as fast.`,
    `To try it: simili encoder check ${student.folder}`,
    `To use it: SIMILI_ENCODER=${student.folder}`,
  ].join('\n');
}
