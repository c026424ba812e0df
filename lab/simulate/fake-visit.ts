import type { Random } from '@simili/learning/numbers/random';
import { type Deed, deedsOf, type FakeKind } from './fakes.ts';
import type { Farm } from './farm.ts';
import { type FeedbackEvent, itemEvent, PAGE, readPage, type Shop, seenEvent, tilesOf } from './session.ts';

/** The longest visit on a fake visitor's clock, which the server takes as minutes wrong at most; longer ones go by faster. */
const LONGEST_MS = 480_000;
const BEFORE_NOW_MS = 240_000;
/** Clicks that come sooner after their list are not held back. */
const PROMPT_MS = 1000;

/**
 * A visit of a bot or of somebody of a farm. Time passes on the visitor's own clock alone; by the server's, events come when they are sent.
 * @param send sends at once: what is done within a second of its list
 * @returns the other events, for later
 */
export async function fakeVisit(
  { ask, anchors, shown, filter, stamp, farm }: Shop & { farm: Farm | null },
  kind: FakeKind,
  random: Random,
  send: (events: FeedbackEvent[]) => Promise<void>,
): Promise<FeedbackEvent[]> {
  const deeds = [...deedsOf(kind, { places: PAGE, anchors: farm?.anchors.length ?? 0 }, random)];
  const pace = Math.min(1, LONGEST_MS / deeds.reduce((sum, deed) => sum + msOf(deed), 0));
  const held: FeedbackEvent[] = [];
  let prompt: FeedbackEvent[] = [];
  let [list, tiles, at, openedAt] = ['', [] as string[], 0, 0];
  const now = () => new Date(stamp.now().getTime() - BEFORE_NOW_MS + pace * at);
  for (const deed of deeds) {
    at += msOf(deed);
    if (deed.do === 'open') {
      await send(prompt);
      prompt = [];
      const id = deed.anchor === null ? anchors[random.int(anchors.length)]! : farm!.anchors[deed.anchor]!;
      const page = await readPage(ask, { id, after: null, filter });
      [list, openedAt] = [page?.recommendationId ?? '', at];
      tiles = page ? tilesOf(page).flatMap(({ id: tile }) => (shown(tile) ? [tile] : [])) : [];
      if (deed.isSeen && tiles.length > 0) held.push(seenEvent(tiles, list, { ...stamp, now }));
    } else if (deed.do === 'click' && tiles.length > 0) {
      const item = deed.place === 'pushed' ? farm!.pushed : tiles[deed.place % tiles.length]!;
      if (!tiles.includes(item)) continue; // a new version has moved the product that they push: they leave
      (at - openedAt < PROMPT_MS ? prompt : held).push(itemEvent('click', item, list, { ...stamp, now }));
    }
  }
  await send(prompt);
  return held;
}

const msOf = (deed: Deed): number => (deed.do === 'wait' ? deed.ms : 0);
