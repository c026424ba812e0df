import type { ShowProgress } from '../progress.ts';
import type { FakeShares } from './roles.ts';
import type { Stamp } from './session.ts';

export type Simulation = {
  /** Address of the server, without a trailing slash. */
  url: string;
  adminKey: string | undefined;
  /** Undefined: the server's usual one. */
  catalog?: string | undefined;
  shoppers: number;
  taste: string;
  seed: number;
  /** Share of the catalog that shoppers never see, 0 to 1. */
  heldOut: number;
  trainSeconds: number | undefined;
  /** Trainings that the server starts by itself, each after as many shoppers; without shoppers they are asked for. 0: one, asked for. */
  retrains: number;
  /** Most held-out products whose lists are measured: fewer take less time and give wider intervals. */
  anchors: number;
  /** Shares of the visitors who are none. */
  fakes: FakeShares;
  /** Product that the farm pushes; null: one by chance. */
  push: string | null;
  purchasesOnly: boolean;
  /** Chance that the first place is clicked whatever it shows, 0 to 1. */
  trustBias: number;
  /** Chance that a popular product is clicked whatever it stands beside, 0 to 1. */
  popularity: number;
  /** Tastes that follow each other, from training to training; 1: it stays. */
  seasons: number;
};
export type Surroundings = {
  say: (line: string) => void;
  progress: ShowProgress;
  stamp: Stamp;
  /** Between two looks at a job. */
  pollMs: number;
  /** From the last list that a group of shoppers sees to what they report of it. */
  dwellMs: number;
};
