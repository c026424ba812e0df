import { pictureCount, picturesOf } from '@simili/learning/batches/catalog';
import { choicePrecision } from '@simili/learning/metrics/choice-precision';
import type { Clusters } from '@simili/learning/metrics/intervals';
import { outcomesByQuery } from '@simili/learning/metrics/judge';
import { averagePrecision } from '@simili/learning/metrics/metrics';
import { itemsIn } from '@simili/learning/metrics/split';
import { squaredDistance } from '@simili/learning/numbers/distance';
import { makeRandom } from '@simili/learning/numbers/random';
import { shuffled } from '@simili/learning/numbers/shuffled';
import { chosenPairs } from '@simili/learning/relevance/choice-sets';
import { remembered } from '../features/blocks.ts';
import type { Fit } from '../fit.ts';
import { heldOut, type KindOfEvidence, trustIn } from '../fusion/evidence.ts';
import type { TrainingSet } from '../protocol.ts';

/** Pictures of validation products among which is searched, products that are looked up, triplets of raters, and anchors of choices. */
const MOST_PICTURES = 1000;
const MOST_QUERIES = 300;
const MOST_TRIPLETS = 3000;
const MOST_SETS = 300;
/** Every choice asks the same. */
const SEED = 4663;

/** Questions to heads about validation products, of which none learns. */
export type HeldOutQuestions = {
  /** All that must be known: [g] first the pictures among which is searched. */
  readonly pictures: readonly number[];
  /** Weight of each kind of answer, as of evidence; a kind that nothing asks for has none. */
  readonly trust: Readonly<Record<KindOfEvidence, number>>;
  /** @param vectorOf unit vector of a picture */
  ask(vectorOf: (picture: number) => Float32Array): Answers;
};

/**
 * A value in [0, 1] for each query; a product's queries together. identity: average precision of its other pictures among all;
 * structure: of its category's products among all that have one; people: how far in front is what shoppers chose beside products of which
 * they taught no head, and the share of raters' triplets that come out right.
 */
export type Answers = Readonly<Record<KindOfEvidence, Clusters>>;

export function heldOutQuestions(fit: Pick<Fit, 'set' | 'evidence' | 'clicks'>): HeldOutQuestions {
  const { set, evidence } = fit;
  const items = someItems(set);
  const asked = items.slice(0, MOST_QUERIES);
  const labelled = items.filter((item) => set.categories[item]! >= 0);
  const { rated, sets } = peoplesAnswers(fit);
  const several = asked.filter((item) => pictureCount(set, item) > 1);
  const ofCategory = askedByCategory(set.categories, asked, labelled);
  const gallery = picturesOf(set, items);
  const firsts = labelled.map((item) => set.starts[item]!);
  return {
    pictures: [
      ...gallery,
      ...rated.flatMap(({ q, p, n }) => [q, p, n]),
      ...sets.flatMap(({ anchor, items }) => [anchor, ...items]),
    ],
    trust: trustIn({
      identity: several,
      structure: ofCategory,
      people: [...rated, ...sets],
      choices: evidence.choices + chosenPairs(evidence.sets),
    }),
    ask: (vectorOf) => {
      const known = remembered(vectorOf);
      const apart = (a: number, b: number) => squaredDistance(known(a), known(b));
      const found = (query: number, among: readonly number[], relevant: readonly number[]) =>
        averagePrecision(ranked(query, among, known), new Set(relevant));
      return {
        identity: several.map((item) => {
          const own = picturesOf(set, [item]);
          return own.map((query) =>
            found(
              query,
              gallery,
              own.filter((other) => other !== query),
            ),
          );
        }),
        structure: ofCategory.map((item) => {
          const kin = labelled.filter((other) => other !== item && set.categories[other] === set.categories[item]);
          return [
            found(
              set.starts[item]!,
              firsts,
              kin.map((other) => set.starts[other]!),
            ),
          ];
        }),
        people: [...outcomesByQuery(rated, apart), ...choicePrecision(sets, apart)],
      };
    },
  };
}

/** Validation products in random order, as many as have that many pictures. */
function someItems(set: TrainingSet): number[] {
  const kept: number[] = [];
  let pictures = 0;
  for (const item of shuffled([...itemsIn(set, 'val')], makeRandom(SEED))) {
    pictures += pictureCount(set, item);
    if (pictures > MOST_PICTURES) break;
    kept.push(item);
  }
  return kept;
}

/** Those that are not alone in their category, where there are two categories. */
function askedByCategory(categories: Int32Array, asked: readonly number[], labelled: readonly number[]): number[] {
  const sizes = new Map<number, number>();
  for (const item of labelled) sizes.set(categories[item]!, (sizes.get(categories[item]!) ?? 0) + 1);
  return sizes.size < 2 ? [] : asked.filter((item) => (sizes.get(categories[item]!) ?? 0) > 1);
}

/**
 * A head learns from choices by triplets alone: those beside all other anchors it never heard of. A tenth of the products validate, and
 * what was chosen beside so few says by chance that a head is liked; the others come after them.
 */
function peoplesAnswers({ set, evidence, clicks }: Pick<Fit, 'set' | 'evidence' | 'clicks'>) {
  const held = heldOut(set, evidence);
  const taught = new Set(clicks.triplets.map(({ q }) => set.starts[q]!));
  const validating = new Set(held.sets);
  const others = evidence.sets.filter((own) => !validating.has(own) && !taught.has(own.anchor));
  const [first, second] = [held.sets, others].map((sets) => shuffled([...sets], makeRandom(SEED)));
  return {
    rated: shuffled([...held.people], makeRandom(SEED)).slice(0, MOST_TRIPLETS),
    sets: [...first!, ...second!].slice(0, MOST_SETS),
  };
}

/** The others, the nearest first. */
function ranked(query: number, among: readonly number[], vectorOf: (picture: number) => Float32Array): number[] {
  const own = vectorOf(query);
  return among
    .filter((picture) => picture !== query)
    .map((picture) => ({ picture, distance: squaredDistance(own, vectorOf(picture)) }))
    .sort((a, b) => a.distance - b.distance)
    .map(({ picture }) => picture);
}
