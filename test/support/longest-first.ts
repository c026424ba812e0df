import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take longest, in the order of their seconds. Without a cache, as in a fresh clone, files would be taken by their size: one that is
 * short and runs for two minutes would begin when all others are over.
 */
const LONGEST = [
  'e2e/loop',
  'e2e/distributed',
  'e2e/evaluate',
  'integration/training-killed',
  'e2e/start-up',
  'integration/isolation',
  'e2e/killed-server',
  'unit/workers/hosts/rpc',
  'property/src/graphql/cost/cost',
  'browser/page',
  'integration/pictures',
  'integration/training',
  'integration/distil-cli',
  'integration/rounds',
  'integration/retrain-encoder',
  'e2e/small-shop',
];

/** Begins with the longest, so that no worker is left alone with one of them at the end. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at < 0 ? LONGEST.length : at;
    };
    // Stable. Files of one project stand together: a process that files share ends when the next one is of another project.
    return others.sort((one, other) => rank(one) - rank(other) || one.project.name.localeCompare(other.project.name));
  }
}
