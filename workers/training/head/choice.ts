import { type Clusters, clusteredError, meanOf } from '@simili/learning/metrics/intervals';
import { type KindOfEvidence, kindsOfEvidence } from '../fusion/evidence.ts';
import type { Look } from '../network/held-out.ts';
import type { Answers, HeldOutQuestions } from './held-out-questions.ts';

/** Standard errors beyond which a difference is no chance. */
const BEYOND_DOUBT = 2;

/** Precision of all kinds together; null where nothing is held out. */
export function lookOf(answers: Answers, trust: HeldOutQuestions['trust']): Look | null {
  const [precision, error] = together(answers, trust);
  return Number.isNaN(precision) ? null : { precision, error };
}

/**
 * By how much a head is better than another one, in precision of all kinds together; 0 where that is not beyond doubt, where
 * one kind is worse for it beyond doubt, or where people like it less in the mean: pictures and categories only stand in for
 * them, and of one shop's answers the few on validation products rarely put a loss beyond doubt.
 */
export function gainOf(head: Answers, other: Answers, trust: HeldOutQuestions['trust']): number {
  const difference = (kind: KindOfEvidence): Clusters =>
    head[kind].map((own, c) => own.map((value, i) => value - other[kind][c]![i]!));
  const differences: Answers = {
    structure: difference('structure'),
    identity: difference('identity'),
    people: difference('people'),
  };
  const worse = kindsOfEvidence.some((kind) => {
    const clusters = differences[kind];
    const forgiven = kind === 'people' ? 0 : BEYOND_DOUBT * clusteredError(clusters);
    return clusters.length > 0 && meanOf(clusters.flat()) < -forgiven;
  });
  const [gain, error] = together(differences, trust);
  return !worse && gain > BEYOND_DOUBT * error ? gain : 0;
}

/**
 * Mean of all kinds by their trust, and its standard error; NaN where no kind has a query. Kinds of so few queries that nobody knows what chance does
 * are heard only where there are no others.
 */
function together(answers: Answers, trust: HeldOutQuestions['trust']): [number, number] {
  const some = kindsOfEvidence.filter((kind) => answers[kind].length > 0);
  if (some.length === 0) return [Number.NaN, Number.NaN];
  const sure = some.filter((kind) => clusteredError(answers[kind]) < Number.POSITIVE_INFINITY);
  const asked = sure.length > 0 ? sure : some;
  const mean = asked.reduce((sum, kind) => sum + trust[kind] * meanOf(answers[kind].flat()), 0);
  const squares = asked.reduce((sum, kind) => sum + (trust[kind] * clusteredError(answers[kind])) ** 2, 0);
  return [mean, Math.sqrt(squares)];
}
