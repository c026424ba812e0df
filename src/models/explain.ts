import type { EmbeddingRepository } from '../db/embeddings.ts';
import type { FeedbackRepository } from '../db/feedback.ts';
import { type ModelRepository, type ModelRow, spacesOf } from '../db/models.ts';
import { squaredDistance } from '../db/sql/space-distance.ts';
import { VersionGone } from '../db/sql/version-gone.ts';
import { FEWEST_PEOPLE } from '../fewest-people.ts';
import { PICTURES, UNRELATED, type VersionSpace } from '../ports/space.ts';
import { toId } from '../text.ts';

/** A part of the likeness of two products. The shares of all parts sum to 1, and share times score to the whole score. */
export type SimilarityPart = {
  /** Name of a feature, or of the space of a shop's own encoder. */
  readonly name: string;
  readonly title: string;
  readonly share: number;
  /** 1 - D/4 of this part alone, 0 to 1. */
  readonly score: number;
};
export type Explanation = {
  readonly modelVersionId: string;
  readonly score: number;
  /** That which has most of the likeness first. */
  readonly parts: SimilarityPart[];
  /** Visitors of the last 90 days who chose one of the two in a list of the other, and who dismissed it; null: fewer than 20. */
  readonly chosenBy: number | null;
  readonly dismissedBy: number | null;
  /** How they chose it. Who did several things counts in each; null: fewer than 20. */
  readonly clickedBy: number | null;
  readonly addedToCartBy: number | null;
  readonly boughtBy: number | null;
};

type Deps = {
  models: Pick<ModelRepository, 'active'>;
  embeddings: Pick<EmbeddingRepository, 'vectors'>;
  feedback: Pick<FeedbackRepository, 'visitorsOfPair'>;
};
/** A training's facts about a block of its version, in the order of the vector (workers/training/train.ts). */
type BlockFacts = { readonly feature: string; readonly share: number; readonly length: number };

const DAYS = 90;
const TITLES: Readonly<Record<string, string>> = {
  hog: 'Shapes: directions of edges',
  pixels: 'Layout: coarse pixels',
  colour: 'Colours',
  network: 'Trained network',
};

/** Why two products are as alike as they are. @returns null: no version serves, or it has no vector of one of the two. */
export async function explainSimilarity(deps: Deps, a: string, b: string): Promise<Explanation | null> {
  const ids = [toId(a), toId(b)] as const;
  try {
    return await explained(deps, ids);
  } catch (error) {
    // Between reading which version serves and reading its vectors it was retired: another one serves by now.
    if (!(error instanceof VersionGone)) throw error;
    return explained(deps, ids);
  }
}

async function explained(deps: Deps, [first, second]: readonly [string, string]): Promise<Explanation | null> {
  const model = await deps.models.active();
  if (!model) return null;
  const parts: SimilarityPart[] = [];
  const spaces = spacesOf(model);
  const total = spaces.reduce((sum, { weight }) => sum + weight, 0);
  let known = false;
  for (const space of spaces) {
    const vectors = await deps.embeddings.vectors(model.number, [first, second], space);
    const pair = [vectors.get(first), vectors.get(second)] as const;
    known ||= pair[0] !== undefined && pair[1] !== undefined;
    parts.push(...partsOf(model, space, pair, space.weight / total));
  }
  if (!known) return null;
  const visitors = await deps.feedback.visitorsOfPair(first, second, DAYS);
  return {
    modelVersionId: model.id,
    score: parts.reduce((sum, { share, score }) => sum + share * score, 0),
    parts: parts.sort((one, other) => other.share * other.score - one.share * one.score),
    chosenBy: shown(visitors.chosen),
    dismissedBy: shown(visitors.dismissed),
    clickedBy: shown(visitors.clicked),
    addedToCartBy: shown(visitors.addedToCart),
    boughtBy: shown(visitors.bought),
  };
}

const shown = (people: number): number | null => (people >= FEWEST_PEOPLE ? people : null);

type Pair = readonly [Float32Array | undefined, Float32Array | undefined];

function partsOf(model: ModelRow, space: VersionSpace, [a, b]: Pair, share: number): SimilarityPart[] {
  const whole = { name: space.name, title: space.encoder ?? 'Pictures', share };
  if (!a || !b) return [{ ...whole, score: 1 - UNRELATED / 4 }];
  const blocks = space.name === PICTURES ? blocksOf(model, a.length) : null;
  if (!blocks) return [{ ...whole, score: 1 - squaredDistance(space, a, b) / 4 }];
  let start = 0;
  return blocks.flatMap((block) => {
    const [from, to] = [start, start + block.length];
    start = to;
    if (block.share === 0) return [];
    const distance = squaredDistance(space, a.subarray(from, to), b.subarray(from, to)) / block.share;
    const { feature: name } = block;
    return [{ name, title: TITLES[name] ?? name, share: share * block.share, score: 1 - Math.min(4, distance) / 4 }];
  });
}

/** Null: the version is of before its training told, or was imported. */
function blocksOf({ metrics }: ModelRow, length: number): readonly BlockFacts[] | null {
  const { training } = (metrics ?? {}) as { training?: { blocks?: readonly BlockFacts[] } };
  const sum = training?.blocks?.reduce((own, block) => own + block.length, 0);
  return sum === length ? training!.blocks! : null;
}
