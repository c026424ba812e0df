/** Answers of one rater by question, in any order. */
export type Ratings<Question, Answer> = ReadonlyMap<Question, Answer>;

export type Agreement = {
  /** Questions that two raters or more have answered. */
  readonly questions: number;
  /** Share of pairs of answers to one question that are the same, in [0, 1]. */
  readonly observed: number;
  /**
   * Krippendorff's alpha for nominal data, for any number of raters and any gaps: 1 - observed / expected disagreement. 1:
   * all agree; 0: as chance would; below 0: less than that. 1 where all answers are the same.
   */
  readonly alpha: number;
};

/**
 * How far raters agree (Krippendorff 2011, "Computing Krippendorff's alpha-reliability", nominal metric).
 * @returns null where no question was answered twice
 */
export function agreementOf<Question, Answer>(raters: readonly Ratings<Question, Answer>[]): Agreement | null {
  const byQuestion = new Map<Question, Answer[]>();
  for (const ratings of raters) {
    for (const [question, answer] of ratings) byQuestion.set(question, [...(byQuestion.get(question) ?? []), answer]);
  }
  const shared = [...byQuestion.values()].filter((answers) => answers.length > 1);
  if (shared.length === 0) return null;
  const totals = new Map<Answer, number>();
  let same = 0;
  let pairs = 0;
  let disagreement = 0;
  for (const answers of shared) {
    const counts = countsOf(answers);
    const m = answers.length;
    const agreeing = [...counts.values()].reduce((sum, count) => sum + count * (count - 1), 0);
    same += agreeing;
    pairs += m * (m - 1);
    // Every value weighs the same, however many have answered its question.
    disagreement += (m * (m - 1) - agreeing) / (m - 1);
    for (const [answer, count] of counts) totals.set(answer, (totals.get(answer) ?? 0) + count);
  }
  const n = [...totals.values()].reduce((sum, count) => sum + count, 0);
  const expected = (n * n - [...totals.values()].reduce((sum, count) => sum + count * count, 0)) / (n - 1);
  return {
    questions: shared.length,
    observed: same / pairs,
    alpha: expected === 0 ? 1 : 1 - disagreement / expected,
  };
}

function countsOf<Answer>(answers: readonly Answer[]): Map<Answer, number> {
  const counts = new Map<Answer, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return counts;
}
