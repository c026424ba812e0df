import type { Random } from '@simili/learning/numbers/random';
import { shuffled } from '@simili/learning/numbers/shuffled';

/** Bots: clicks by the second, clicks at once, the same click again and again, clicks on what was never on the screen. */
export const botKinds = ['crawler', 'hasty', 'replayer', 'blind'] as const;
/** Visitors of a click farm, who push one product: beside five to fourteen others each, or beside one or two. */
export const farmKinds = ['pusher', 'spreader'] as const;
export type BotKind = (typeof botKinds)[number];
export type FakeKind = BotKind | (typeof farmKinds)[number];

/** One deed of a fake visitor. `anchor`: number of a list that has the pushed product, from 0; null: any list. `place`: of the list that is open, from 0. */
export type Deed =
  | { do: 'open'; anchor: number | null; isSeen: boolean }
  | { do: 'wait'; ms: number }
  | { do: 'click'; place: number | 'pushed' };
/** `places`: of a list. `anchors`: how many lists have the pushed product. */
export type FakeShop = { places: number; anchors: number };
type Deeds = Generator<Deed, void>;

const SECOND = 1000;

/** Time before an action, ms: half of them are under `median` seconds, none under .6. */
export const dwell = (random: Random, median = 7): number =>
  Math.max(0.6, median * Math.exp(0.8 * random.gaussian())) * SECOND;

/** The visit of a bot, or of somebody of a farm: deeds one by one, each drawn when it is asked for. */
export const deedsOf = (kind: FakeKind, shop: FakeShop, random: Random): Deeds => VISITS[kind](shop, random);

const VISITS: Record<FakeKind, (shop: FakeShop, random: Random) => Deeds> = {
  *crawler({ places }, random) {
    for (let left = 40 + random.int(160); left > 0; ) {
      yield open(null);
      for (let n = 1 + random.int(12); n > 0; n--, left--) {
        yield wait(100 + random.int(1400));
        yield click(random.int(places));
      }
    }
  },
  *hasty({ places }, random) {
    for (let left = 6 + random.int(30); left > 0; left--) {
      yield open(null);
      yield wait(20 + random.int(800));
      yield click(random.int(places));
      yield wait(5 * SECOND + random.int(60 * SECOND));
    }
  },
  *replayer({ places }, random) {
    yield open(null);
    const place = random.int(places);
    for (let left = 12 + random.int(50); left > 0; left--) {
      yield wait(3 * SECOND + random.int(10 * SECOND));
      yield click(place);
    }
  },
  *blind({ places }, random) {
    for (let left = 6 + random.int(30); left > 0; left--) {
      yield open(null, false);
      yield wait(dwell(random));
      yield click(random.int(places));
    }
  },
  pusher: (shop, random) => push(shop, 5 + random.int(10), random),
  spreader: (shop, random) => push(shop, 1 + random.int(2), random),
};

/** As patient as shoppers, with all impressions, and with a click on something else now and then. */
function* push({ places, anchors }: FakeShop, times: number, random: Random): Deeds {
  const own = shuffled(
    Array.from({ length: anchors }, (_, i) => i),
    random,
  );
  for (const anchor of own.slice(0, times)) {
    yield open(anchor);
    yield wait(dwell(random));
    yield click('pushed');
    if (random.next() < 0.1) yield click(random.int(places));
    yield wait(dwell(random));
  }
}

const open = (anchor: number | null, isSeen = true): Deed => ({ do: 'open', anchor, isSeen });
const wait = (ms: number): Deed => ({ do: 'wait', ms });
const click = (place: number | 'pushed'): Deed => ({ do: 'click', place });
