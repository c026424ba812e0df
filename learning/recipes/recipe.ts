import type { AugmentationName } from '../pictures/augmentation.ts';

/** Loss of a batch, without its data; loss.ts has the equations. */
export type Objective =
  /**
   * Paper, section 3. `perRelevance`: the gap grows by that much of r(q,p) - r(q,n); 0 in the paper. `isPublished`: hinges are
   * summed, triplets are of pictures, and no picture is its own positive. Else they are averaged, triplets are of
   * products, and some positives are other views of the query.
   */
  | {
      readonly kind: 'tripletHinge';
      readonly gap: number;
      readonly perRelevance: number;
      readonly isPublished: boolean;
    }
  /** `views`: rows of each identity in a batch, >= 2. */
  | { readonly kind: 'infoNce'; readonly temperature: number; readonly views: number }
  | {
      readonly kind: 'multiSimilarity';
      readonly alpha: number;
      readonly beta: number;
      readonly base: number;
      readonly views: number;
    };

/** How categories teach where they say something; `ProxyCost` (loss.ts) for all of them, targets for items of one picture. */
export type CategoryTeaching = {
  /** Weight of the proxies where items have one picture, > 0, and their temperature. */
  readonly weight: number;
  readonly temperature: number;
  /** Items of one category that come together in a batch, where the one that brings them has one picture. */
  readonly kin: number;
  /** Part of the target of a row of such an item that goes to others of its category, in [0, 1]. */
  readonly share: number;
};

/** How a network is trained, as plain data. */
export type Recipe = {
  readonly name: string;
  /** `network`: from pixels. `head`: linear maps of what an encoder and the hand-made features see, in seconds. */
  readonly trains: 'network' | 'head';
  readonly objective: Objective;
  /** How categories teach beside the objective; null: they do not. */
  readonly categories: CategoryTeaching | null;
  /** N: rows of one batch of one engine process; a multiple of 3 for triplets, of `views` otherwise. */
  readonly rows: number;
  /** Peak of the learning rate, after the warm-up, with one process; with P it is sqrt(P) times this (Krizhevsky 2014). */
  readonly peakRate: number;
  /** Share of the steps in which the rate rises. */
  readonly warmUp: number;
  /** mu of Nesterov's momentum (paper, section 4). */
  readonly momentum: number;
  /**
   * lambda of lambda ||W||^2 (paper, section 3: 0.001), over kernels; biases, scales and shifts are left alone. Beside what
   * the objective sums or averages (`decayOfMean`). `catalog` takes a quarter: the paper's, beside a mean, costs it some
   * .02 mAP (docs/quality.md).
   */
  readonly weightDecay: number;
  /** Common norm that the gradients of a step are clipped to. */
  readonly clip: number;
  readonly augmentation: AugmentationName;
  /**
   * Share of the steps that train the first branch on category labels first (paper, section 4); 0: none. 1: nothing comes
   * after it, and what the classifier reads is the embedding (the paper's table 2: ConvNet).
   */
  readonly pretrain: number;
  /**
   * Looks at the held-out triplets in a training, which goes back to the best one where it has overfitted by its end; 0:
   * none. It never ends early: precision rises most when the rate has fallen, in the last third.
   */
  readonly looks: number;
};

/** How the steps of a training are taken, whatever it is that is learned. */
export type Descent = Pick<Recipe, 'rows' | 'peakRate' | 'warmUp' | 'momentum' | 'weightDecay' | 'clip' | 'looks'> & {
  /** Null: another one, which is a mean over the rows. */
  readonly objective: Objective | null;
};

const shared = {
  trains: 'network',
  categories: null,
  rows: 192,
  peakRate: 0.1,
  warmUp: 0.05,
  momentum: 0.9,
  weightDecay: 1e-3,
  clip: 5,
} as const;

const all = [
  /**
   * The default: a ranking head on frozen features. Its decay holds it near its start (workers/training/head); the decay
   * here is the weakest that it tries.
   */
  {
    name: 'head',
    trains: 'head',
    objective: { kind: 'infoNce', temperature: 0.1, views: 4 },
    categories: { weight: 1, temperature: 0.1, kin: 6, share: 1 },
    rows: 384,
    peakRate: 1,
    warmUp: 0.05,
    momentum: 0.9,
    weightDecay: 1e-3,
    clip: 5,
    augmentation: 'catalog',
    pretrain: 0,
    looks: 3, // stored features know no augmentation
  },
  /** Batch softmax over augmented views, and categories: what works on a catalog of hundreds from pixels (docs/quality.md). */
  {
    ...shared,
    name: 'catalog',
    objective: { kind: 'infoNce', temperature: 0.1, views: 4 },
    categories: { weight: 1, temperature: 0.1, kin: 6, share: 0.5 },
    augmentation: 'catalog',
    pretrain: 0,
    looks: 0,
    weightDecay: 2.5e-4,
  },
  /**
   * The paper as published (docs/paper.md lists what it leaves open): sum of hinges with a constant gap, pixel shift, softmax
   * pretraining of the ConvNet.
   */
  {
    ...shared,
    name: 'deepRanking',
    objective: { kind: 'tripletHinge', gap: 0.3, perRelevance: 0, isPublished: true },
    augmentation: 'paper',
    pretrain: 0.2,
    looks: 12,
  },
  /** The paper's hinge with what helps it on a catalog: a gap that follows the relevance, and other views of the query as positives. */
  {
    ...shared,
    name: 'relevanceGap',
    objective: { kind: 'tripletHinge', gap: 0.1, perRelevance: 0.5, isPublished: false },
    augmentation: 'catalog',
    pretrain: 0,
    looks: 12,
  },
  {
    ...shared,
    name: 'multiSimilarity',
    objective: { kind: 'multiSimilarity', alpha: 2, beta: 50, base: 0.5, views: 4 },
    augmentation: 'catalog',
    pretrain: 0,
    looks: 0,
  },
  /**
   * No ranking: a classifier of categories, of which the last hidden layer is kept. What the paper's ranking must beat, so
   * all but the loss is as `deepRanking` has it.
   */
  {
    ...shared,
    name: 'softmax',
    objective: { kind: 'tripletHinge', gap: 0.3, perRelevance: 0, isPublished: true }, // never asked
    augmentation: 'paper',
    pretrain: 1,
    looks: 12,
  },
] as const satisfies readonly Recipe[];

export type RecipeName = (typeof all)[number]['name'];
export const recipeNames = all.map(({ name }) => name) as [RecipeName, ...RecipeName[]];

/** @throws Error that lists the names when there is no such recipe. */
export function recipeNamed(name: string): Recipe {
  const found = all.find((recipe) => recipe.name === name);
  if (!found) throw new Error(`There is no recipe "${name}": choose one of ${recipeNames.join(', ')}`);
  return found;
}

/**
 * lambda beside the mean over the triplets or rows of a step, which is what engines compute. A sum of hinges over B triplets
 * is B times their mean: its lambda is as much as lambda / B beside the mean, at a rate B times as high.
 * @param processes whose batches make up a step
 */
export function decayOfMean({ objective, weightDecay, rows }: Descent, processes: number): number {
  const isSum = objective?.kind === 'tripletHinge' && objective.isPublished;
  return isSum ? weightDecay / (processes * (rows / 3)) : weightDecay;
}

/** Stand-in for `head` without an encoder. */
const INSTEAD_OF_HEAD: RecipeName = 'catalog';

/**
 * The recipe that is really followed: a head needs an encoder, and a backbone is asked for by whoever wants a network.
 * @throws Error as `recipeNamed`
 */
export function recipeFor(name: string, has: { readonly encoder: boolean; readonly backbone: boolean }): Recipe {
  const recipe = recipeNamed(name);
  const canHead = has.encoder && !has.backbone;
  return recipe.trains === 'head' && !canHead ? recipeNamed(INSTEAD_OF_HEAD) : recipe;
}

/** For people, where another recipe than the one that was asked for is followed; null: it is that one. */
export function whyInstead(name: string, followed: Recipe): string | null {
  if (followed.name === name) return null;
  return `The recipe ${name} needs an encoder and no backbone: ${followed.name} is followed instead`;
}
