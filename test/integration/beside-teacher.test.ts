import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { besideTeacher } from '../../lab/compare/beside-teacher.ts';
import { toHalf } from '../../learning/numbers/half.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { drawnCatalog, KINDS, writeTrainingSet } from '../support/training-set.ts';

const DIMENSIONS = 12;
const never = new AbortController().signal;

test('beside its teacher a student that sees the same finds all of its neighbours, and one that sees noise few and little that is right', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'simili-beside-'));
  const items = drawnCatalog();
  const { set } = await writeTrainingSet(dir, items);
  const random = makeRandom(4);
  const noise = () => Float32Array.from({ length: DIMENSIONS }, () => random.gaussian());
  const written = async (name: string, rows: Float32Array[]) => {
    const path = join(dir, name);
    await writeFile(path, toHalf(Float32Array.from(rows.flatMap((row) => [...row]))));
    return { encoder: { id: name, title: name, licence: 'MIT', dimensions: DIMENSIONS }, path };
  };
  // The teacher knows the kind, and something of its own of each product.
  const teacher = await written(
    'teacher',
    items.map(({ category }) => noise().map((value, d) => value + (KINDS[d] === category ? 9 : 0))),
  );
  const blind = await written('blind', items.map(noise));
  const taught = { ...set, encoded: teacher };
  const same = await besideTeacher(taught, { ...teacher, encoder: { ...teacher.encoder, id: 'copy' } }, never);
  const of = ({ systems }: typeof same, name: string) => systems.find(({ system }) => system === name)!;
  expect(same).toMatchObject({ right: 'category', pictures: set.splits.filter((split) => split === 2).length });
  expect(same.systems.map(({ system }) => system)).toEqual([
    ...['teacher', 'student', 'golden', 'teacher + golden', 'student + golden'],
  ]);
  expect(of(same, 'teacher')).toMatchObject({ neighbours: 1, p1: 1 });
  expect(of(same, 'student')).toEqual({ ...of(same, 'teacher'), system: 'student' });
  expect(of(same, 'student + golden')).toEqual({ ...of(same, 'teacher + golden'), system: 'student + golden' });
  const other = await besideTeacher(taught, blind, never);
  expect(of(other, 'teacher')).toEqual(of(same, 'teacher'));
  expect(of(other, 'student').neighbours).toBeLessThan(0.85);
  expect(of(other, 'student').map).toBeLessThan(of(other, 'teacher').map! - 0.2);
  await rm(dir, { recursive: true });
});
