import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mergeResults } from '../../workers/distributed/merge.ts';
import type { Fit } from '../../workers/training/fit.ts';
import { rankingSource } from '../../workers/training/network/batches.ts';
import { openFitMembers, runPhase, startOfRanking } from '../../workers/training/network/index.ts';
import type { Members } from '../../workers/training/network/members/index.ts';
import { decodeState, encodeState, type TrainingState } from '../../workers/training/network/state.ts';
import type { TrainingRequest } from '../../workers/training/protocol.ts';
import { beginFit } from '../../workers/training/train.ts';
import { narrow } from '../support/narrow.ts';
import { trainingRequest } from '../support/training-request.ts';
import { drawnCatalog, writeTrainingSet } from '../support/training-set.ts';

/** Batches of one process; two members share as many. */
const BATCHES = 60;
const ROUNDS = 5;
const SEEDS = [1, 2, 3];
/** Rows of a batch, a third of the recipe's: who shares the work is the same with fewer, and in a narrower network. */
const ROWS = 64;

let dir: string;
let fit: Fit;
let engines: Members;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-rounds-'));
  const { set } = await writeTrainingSet(dir, drawnCatalog());
  const request: TrainingRequest = trainingRequest(set, { recipe: 'catalog', steps: BATCHES });
  fit = await beginFit(request, new AbortController().signal, () => {});
  fit = { ...fit, recipe: { ...fit.recipe, rows: ROWS }, spec: narrow(fit.spec) };
  engines = await openFitMembers(fit);
});
afterAll(async () => {
  await engines.close();
  await rm(dir, { recursive: true, force: true });
});

const seeded = (seed: number, steps: number): Fit => ({ ...fit, seed, steps });

async function oneProcess(seed: number): Promise<TrainingState> {
  const own = seeded(seed, BATCHES);
  const state = startOfRanking(own, null);
  await runPhase(own, engines, { state, source: rankingSource(own), keeping: null });
  return state;
}

type Rounds = { readonly from: number; readonly to: number; readonly members: readonly number[] };

/** Two members that meet after every round, on batches of their own. @returns what they have after the last of `rounds`. */
async function meet(seed: number, start: Uint8Array, rounds: readonly Rounds[]): Promise<Uint8Array> {
  const own = seeded(seed, BATCHES / 2);
  const perRound = BATCHES / 2 / ROUNDS;
  let bytes = start;
  for (const { from, to, members } of rounds) {
    for (let round = from; round < to; round++) {
      const results = [];
      for (const member of members) {
        const state = decodeState(bytes, 'test')!;
        const source = rankingSource(own, { round, member });
        await runPhase(own, engines, { state, source, keeping: null, untilStep: state.step + perRound });
        const { loss, activeShare } = state;
        results.push({ state: encodeState(state, 'test'), loss, activeShare, pictures: perRound * fit.recipe.rows });
      }
      bytes = mergeResults(results).state;
    }
  }
  return bytes;
}

const BOTH = [0, 1];
/** The round that member 1 does not report, where it loses one. */
const LOST = 3;

/** The same training twice from the round in which one member is lost: with it, and without. */
async function twoMembers(seed: number): Promise<{ both: TrainingState; short: TrainingState }> {
  const start = encodeState(startOfRanking(seeded(seed, BATCHES / 2), null), 'test');
  const before = await meet(seed, start, [{ from: 0, to: LOST, members: BOTH }]);
  const whole = await meet(seed, before, [{ from: LOST, to: ROUNDS, members: BOTH }]);
  const lost = await meet(seed, before, [
    { from: LOST, to: LOST + 1, members: [0] },
    { from: LOST + 1, to: ROUNDS, members: BOTH },
  ]);
  return { both: decodeState(whole, 'test')!, short: decodeState(lost, 'test')! };
}

/** Mean loss on batches that nobody trained on. */
async function lossOf({ weights }: TrainingState): Promise<number> {
  const source = rankingSource(seeded(77, BATCHES), { round: 1000, member: 0 });
  let sum = 0;
  for (let i = 0; i < 6; i++) {
    engines.prepare([source.next()]);
    sum += (await engines.gradients(weights)).loss;
  }
  return sum / 6;
}

const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;
const deviation = (x: readonly number[]): number =>
  Math.sqrt(x.reduce((a, b) => a + (b - mean(x)) ** 2, 0) / (x.length - 1));

test('two members reach, at the same number of pictures, what one process reaches, within the noise of seeds', async () => {
  const start = await lossOf(startOfRanking(seeded(1, BATCHES), null));
  const [one, two, short]: number[][] = [[], [], []];
  for (const seed of SEEDS) {
    one!.push(await lossOf(await oneProcess(seed)));
    const members = await twoMembers(seed);
    expect(members.both.step).toBe(BATCHES / 2);
    two!.push(await lossOf(members.both));
    short!.push(await lossOf(members.short));
  }
  // Three standard errors of the difference of two means.
  const noise = (3 * Math.hypot(deviation(one!), deviation(two!))) / Math.sqrt(SEEDS.length);
  // What was learned is far more than the noise: a difference that mattered would be seen.
  expect(start - mean(one!)).toBeGreaterThan(10 * noise);
  expect(Math.abs(mean(two!) - mean(one!))).toBeLessThan(noise);
  expect(Math.abs(mean(short!) - mean(two!))).toBeLessThan(noise);
}, 600_000);
