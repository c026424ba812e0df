import DataLoader from 'dataloader';
import type { Found } from '../db/search/repository.ts';
import type { Deadline } from '../deadline.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { AnswerView, Wanted } from './answer-view.ts';
import type { Search } from './audited-search.ts';

/** Searches of one answer: lists that are asked for together, alike in all but their anchor, are one statement. */
export function searcher(
  search: Search,
  telemetry: Telemetry,
  deadline: Deadline | null = null,
): AnswerView['nearest'] {
  const loader = new DataLoader<Wanted, Found, string>((wanted) => searchAll(search, telemetry, wanted, deadline), {
    cacheKeyFn: (wanted) => keyOf(wanted, wanted.anchorId),
  });
  return (wanted) => loader.load(wanted);
}

/** A vector is known by what stands for it. */
const keyOf = ({ version, anchorIds, filter, limit, behind, parts }: Wanted, anchorId: string | null): string =>
  JSON.stringify([version, anchorId, anchorIds, filter, limit, behind, parts]);

/** @returns in the order of `wanted`; an Error in the place of each that failed. */
async function searchAll(
  search: Search,
  telemetry: Telemetry,
  wanted: readonly Wanted[],
  deadline: Deadline | null,
): Promise<(Found | Error)[]> {
  const answers: (Found | Error)[] = [];
  await Promise.all(
    alike(wanted).map(async (places) => {
      const { version, anchorIds, vector, filter, limit, behind, parts = {} } = wanted[places[0]!]!;
      const anchors = places.map((i) => wanted[i]!.anchorId);
      const how = { parts, deadline };
      const facts = { lists: places.length, spaces: version.spaces.length, filtered: Object.keys(filter).length > 0 };
      const found = await telemetry
        .span('simili.search', facts, async (span) => {
          if (!anchorIds && !vector) {
            const each = await search.nearestOfEach(version, anchors, filter, limit, behind, how);
            span.set({ listed: each.filter(({ listed }) => listed).length });
            return each;
          }
          const one = await (vector
            ? search.nearestToVector(version, vector, filter, limit, behind, how)
            : search.nearestOfAll(version, anchorIds!, filter, limit, behind, how));
          return anchors.map(() => one);
        })
        .catch((error: Error) => anchors.map(() => error));
      for (const [i, place] of places.entries()) answers[place] = found[i]!;
    }),
  );
  return answers;
}

/** Places of those that are alike in all but their anchor. */
function alike(wanted: readonly Wanted[]): number[][] {
  if (wanted.length === 1) return [[0]];
  const places = new Map<string, number[]>();
  for (const [i, one] of wanted.entries()) {
    const key = keyOf(one, one.vector ? one.anchorId : null);
    const known = places.get(key);
    if (known) known.push(i);
    else places.set(key, [i]);
  }
  return [...places.values()];
}
