import { encodeModel, servedLength } from '@simili/learning/models/artefact';
import type { ServedModel } from '@simili/learning/models/served-model';
import { pictureSizeFor, withoutProxies } from '@simili/learning/network/shapes';
import { whyInstead } from '@simili/learning/recipes/recipe';
import type { Engine } from '../engines/engine.ts';
import { distanceAmong, type Fitted, fitBlock, NETWORK } from './blocks.ts';
import { evidenceOf, heldOut } from './evidence.ts';
import { beginFit, type Fit, NETWORK_DONE } from './fit.ts';
import { distancesOf, frozenBlocks, frozenModel, mixed } from './frozen-model.ts';
import { fitHead } from './head/index.ts';
import { type Evidence, fitShares } from './mixture.ts';
import { type TrainedNetwork, trainedNetwork } from './network.ts';
import { extractByNetwork } from './network-feature.ts';
import type { TrainingEvent, TrainingRequest, TrainingResult } from './protocol.ts';
import { sidesFor } from './spec.ts';

/** Share of the network before any triplet has spoken. */
const NETWORK_PRIOR = 0.4;

/**
 * Fits one model version. GOLDEN: hand-made features, whitened and mixed by max-margin (the paper's golden features),
 * which rank from the first minute, beside an encoder where there is one. NETWORK, by its recipe: a ranking head on all of
 * them, or also a ranking network, whitened like the others and fused with them.
 * @throws SimiliError ENGINE_UNAVAILABLE, TRAINING_DIVERGED; the signal's reason when aborted.
 */
export async function fitModel(
  request: TrainingRequest,
  signal: AbortSignal,
  emit: (event: TrainingEvent) => void,
): Promise<TrainingResult> {
  const fit = await beginFit(request, signal, emit);
  if (request.kind === 'GOLDEN') return goldenModel(fit);
  if (fit.recipe.trains === 'head') return headModel(fit);
  return trainedNetwork(fit, (trained, members) => fusedModel(fit, trained, members));
}

function goldenModel(fit: Fit): TrainingResult {
  return finished(frozenOf(fit), { clickTriplets: fit.clicks.triplets.length });
}

/** The frozen blocks, each under the map that the head makes of it, and what its hidden units add; as they are where no head is worth it. */
async function headModel(fit: Fit): Promise<TrainingResult> {
  const frozen = frozenOf(fit);
  const { blocks, hidden, summary } = await fitHead(fit, frozen.blocks);
  const facts = { recipe: fit.recipe.name, clickTriplets: fit.clicks.triplets.length };
  return finished(blocks ? { ...frozen, blocks, ...(hidden && { hidden }) } : frozen, { ...facts, ...summary });
}

const frozenOf = (fit: Fit): ServedModel => frozenModel(fit.golden, fit.encoder?.fitted ?? [], evidenceOf(fit));

/** The network becomes one more block. How far to trust it is decided by triplets of products that it was not trained on. */
export async function fusedModel(
  fit: Fit,
  trained: TrainedNetwork,
  { engine, reason, count }: { engine: Engine; reason: string; count: number },
): Promise<TrainingResult> {
  const message = 'Fusing the network with the golden features';
  fit.emit({ type: 'progress', done: NETWORK_DONE, etaSeconds: null, message, engine: reason });
  await engine.setWeights(trained.weights);
  const { recipe, spec, clicks, request } = fit;
  const instead = whyInstead(request.recipe, recipe);
  const evidence = heldOut(fit, evidenceOf(fit));
  const frozen = frozenBlocks(fit.golden, fit.encoder?.fitted ?? []);
  const fitted = [...frozen.fitted, await networkBlock(fit, engine, evidence)];
  const prior = [...frozen.prior.map((share) => share * (1 - NETWORK_PRIOR)), NETWORK_PRIOR];
  const shares = fitShares(distancesOf(fitted), evidence, prior);
  return finished(
    {
      blocks: mixed(fitted, shares),
      network: { ...withoutProxies(spec, trained.weights), backbone: request.backbone },
    },
    {
      preset: spec.name,
      recipe: recipe.name,
      engine: reason,
      sides: sidesFor(spec),
      ...(instead && { instead }),
      categories: fit.categories.taught?.classes ?? fit.categories.why,
      steps: trained.steps,
      keptStep: trained.keptStep,
      loss: trained.loss,
      pictures: trained.steps * recipe.rows * count,
      sampler: trained.counts,
      clickTriplets: clicks.triplets.length,
    },
  );
}

async function networkBlock({ spec, views, load }: Fit, engine: Engine, evidence: Evidence): Promise<Fitted> {
  const extract = extractByNetwork(engine, spec);
  const side = pictureSizeFor(spec.inputSize);
  const block = await fitBlock('network', extract, views(side), NETWORK);
  const pictures = [...evidence.structure, ...evidence.identity, ...evidence.people].flatMap(({ q, p, n }) => [
    q,
    p,
    n,
  ]);
  return { block, distance: await distanceAmong(block, extract, pictures, (picture) => load(picture, side)) };
}

function finished(model: ServedModel, summary: Record<string, unknown>): TrainingResult {
  const shares = Object.fromEntries(model.blocks.map(({ feature, weight }) => [feature, weight]));
  // In the order of the vector: who knows a vector can tell its parts (src/models/explain.ts).
  const blocks = model.blocks.map(({ feature, weight, mean, projection }) => {
    return { feature, share: weight, length: projection.length / mean.length };
  });
  return { artefact: encodeModel(model), dimensions: servedLength(model), summary: { shares, blocks, ...summary } };
}
