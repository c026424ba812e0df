/** Labels of n pictures by people, in columns [n]; -1 where there is none. Equal numbers are the same thing. */
export type Labels = {
  /** The very same product (or person, place …), whoever took the picture. */
  readonly identities: Int32Array;
  /** A narrow group, e.g. a style or a text query. */
  readonly subgroups: Int32Array;
  readonly categories: Int32Array;
};

/** Graded relevance of two pictures: 3 same identity, 2 same subgroup, 1 same category, 0 else. */
export type Grade = 0 | 1 | 2 | 3;

export function gradeOf({ identities, subgroups, categories }: Labels, i: number, j: number): Grade {
  if (isSame(identities, i, j)) return 3;
  if (isSame(subgroups, i, j)) return 2;
  return isSame(categories, i, j) ? 1 : 0;
}

const isSame = (column: Int32Array, i: number, j: number): boolean => column[i]! >= 0 && column[i] === column[j];

/**
 * From which grade on a picture counts as a right answer where only right and wrong are told apart (P@1, recall, mAP): the
 * highest grade that half of the queries have an answer of; 1 where there is none.
 * @param pictures the gallery, in which every picture is a query once
 */
export function answerGrade(labels: Labels, pictures: Int32Array): Exclude<Grade, 0> {
  const columns = { 3: labels.identities, 2: labels.subgroups, 1: labels.categories };
  for (const grade of [3, 2] as const) {
    const column = columns[grade];
    const shared = sharers(column, pictures);
    if (pictures.filter((picture) => shared.has(column[picture]!)).length * 2 >= pictures.length) return grade;
  }
  return 1;
}

/** Values >= 0 that more than one of the pictures has. */
function sharers(column: Int32Array, pictures: Int32Array): Set<number> {
  const seen = new Set<number>();
  const twice = new Set<number>();
  for (const picture of pictures) {
    const value = column[picture]!;
    if (value >= 0) (seen.has(value) ? twice : seen).add(value);
  }
  return twice;
}
