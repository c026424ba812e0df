import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BatchPlan, BatchSource } from '../../../../learning/batches/batch.ts';
import { identityBatches } from '../../../../learning/batches/identity-batches.ts';
import { labelledBatches } from '../../../../learning/batches/labelled-batches.ts';
import { storedBatches } from '../../../../learning/batches/stored-batches.ts';
import { picturesOf, tripletBatches } from '../../../../learning/batches/triplet-batches.ts';
import { itemsIn } from '../../../../learning/metrics/split.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { makeOnlineSampler } from '../../../../learning/sampling/online-sampler.ts';
import { makePasses } from '../../../../learning/sampling/passes.ts';
import { makeTripletSampler } from '../../../../learning/sampling/sampler.ts';
import { expectLaw, relevanceTable } from '../../../support/triplet-law.ts';

type Shape = { pictures: number; category: number; split: number }[];
const catalogOf = (shape: Shape) => {
  const starts = new Int32Array(shape.length + 1);
  shape.forEach(({ pictures }, i) => {
    starts[i + 1] = starts[i]! + pictures;
  });
  return {
    starts,
    categories: Int32Array.from(shape, ({ category }) => category),
    splits: Uint8Array.from(shape, ({ split }) => split),
  };
};
const shapes = fc.array(
  fc.record({
    pictures: fc.integer({ min: 1, max: 6 }),
    category: fc.integer({ min: -1, max: 2 }),
    split: fc.constantFrom(0, 0, 0, 1, 2),
  }),
  { minLength: 2, maxLength: 25 },
);
const trainable = shapes.filter((shape) => shape.filter(({ split }) => split === 0).length >= 2);
const itemOf = ({ starts }: { starts: Int32Array }, picture: number) =>
  starts.findLastIndex((start) => start <= picture);

/** Takes the state out in the middle, goes on, puts it back into another source: the same batches. */
function expectResumes(make: () => BatchSource): void {
  const source = make();
  for (let i = 0; i < 3; i++) source.next();
  const state = JSON.parse(JSON.stringify(source.state()));
  const expected = Array.from({ length: 5 }, () => source.next());
  const resumed = make();
  for (let i = 0; i < 7; i++) resumed.next();
  resumed.restore(state);
  expect(Array.from({ length: 5 }, () => resumed.next())).toEqual(expected);
  expect(resumed.counts()).toEqual(source.counts());
  expect(() => resumed.restore({ nothing: 1 })).toThrow('not a state');
  for (const { seed } of expected) expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
  expect(new Set(expected.map(({ seed }) => seed)).size).toBe(5);
}

test.each([
  ['exact', makeTripletSampler],
  ['online', makeOnlineSampler],
] as const)(
  'triplet batches show training items in the order of the hinge, whatever the catalog: %s sampler',
  (_name, makeSampler) => {
    fc.assert(
      fc.property(trainable, fc.integer({ min: 0, max: 99 }), (shape, seed) => {
        const catalog = catalogOf(shape);
        const items = itemsIn(catalog, 'train');
        const relevance = relevanceTable(items.length, makeRandom(seed));
        const options = {
          categories: items.map((item) => catalog.categories[item]!),
          relevance,
          positiveCap: 0.6,
          minimumGap: 0.1,
          outOfClassShare: 0.2,
          maxFailures: 20,
          selfShare: 0.3,
        };
        const make = () =>
          tripletBatches({
            catalog,
            items,
            triplets: 8,
            seed,
            sampler: makeSampler(options, makeRandom(seed)),
            gap: { least: 0.2, perRelevance: 3, relevance },
          });
        const rowOf = new Map([...items].map((item, row) => [item, row]));
        const { pictures, groups, loss } = make().next();
        expect(pictures).toHaveLength(24);
        if (loss.kind !== 'tripletHinge') throw new Error(loss.kind);
        for (let t = 0; t < 8; t++) {
          const [query, positive, negative] = [0, 8, 16].map((from) => itemOf(catalog, pictures[from + t]!)) as [
            number,
            number,
            number,
          ];
          const [q, p, n] = [query, positive, negative].map((item) => rowOf.get(item)!) as [number, number, number];
          expect(q >= 0 && p >= 0 && n >= 0 && n !== q && n !== p).toBe(true);
          // Another picture of its own wherever there is one.
          if (q === p) expect(pictures[8 + t] !== pictures[t]).toBe(shape[query]!.pictures > 1);
          expect(groups[8 + t]).toBe(groups[t]);
          const gap = Math.max(0.2, 0.2 + 3 * (relevance(q, p) - relevance(q, n)));
          expect(loss.gaps[t]).toBeCloseTo(Math.min(3.99, gap), 6);
          expect(loss.gaps[t]).toBeLessThan(4);
        }
        expect(new Set([...groups.slice(0, 8), ...groups.slice(16)]).size).toBe(16);
        expectResumes(make);
      }),
      { numRuns: 40 },
    );
  },
);

test('all pictures of an item are shown about as often, whatever it is in a triplet', () => {
  const catalog = catalogOf([3, 2, 4, 1].map((pictures, i) => ({ pictures, category: i % 2, split: 0 })));
  const items = itemsIn(catalog, 'train');
  const counts = ['q', 'p', 'n'].map(() => new Float64Array(10));
  const random = makeRandom(3);
  const triplets = [
    { q: 0, p: 1, n: 2 },
    { q: 2, p: 2, n: 0 },
    { q: 1, p: 0, n: 2 },
  ];
  for (let i = 0; i < 6000; i++) {
    const shown = picturesOf(catalog, items, triplets[i % 3]!, random);
    for (const [at, picture] of [shown.q, shown.p, shown.n].entries()) counts[at]![picture]!++;
  }
  const twoThousand = (pictures: number) => Array.from({ length: pictures }, () => 2000 / pictures);
  const expected = [
    [...twoThousand(3), ...twoThousand(2), ...twoThousand(4), 0],
    [...twoThousand(3), ...twoThousand(2), ...twoThousand(4), 0],
    [...twoThousand(3), 0, 0, ...twoThousand(4).map((count) => 2 * count), 0],
  ];
  // Five standard deviations of a count.
  counts.forEach((of, at) => {
    of.forEach((count, picture) => {
      expect(Math.abs(count - expected[at]![picture]!)).toBeLessThanOrEqual(5 * Math.sqrt(expected[at]![picture]!));
    });
  });
});

test("the paper's gap is the same for all, and asks for no relevance", () => {
  const catalog = catalogOf(Array.from({ length: 6 }, (_, i) => ({ pictures: 1, category: i % 2, split: 0 })));
  const options = {
    categories: catalog.categories,
    relevance: () => 1,
    positiveCap: 1,
    minimumGap: 0,
    outOfClassShare: 0.2,
    maxFailures: 5,
  };
  const sampler = makeTripletSampler(options, makeRandom(1));
  const never = () => {
    throw new Error('asked');
  };
  const make = (least: number, items = itemsIn(catalog, 'train')) =>
    tripletBatches({
      catalog,
      items,
      sampler,
      triplets: 4,
      seed: 1,
      gap: { least, perRelevance: 0, relevance: never },
    });
  expect(make(0.5).next().loss).toEqual({ kind: 'tripletHinge', gaps: new Float32Array(4).fill(0.5) });
  for (const wrong of [0, 4]) expect(() => make(wrong)).toThrow('gap');
  catalog.splits[3] = 2;
  expect(() => make(0.5, Int32Array.of(0, 1, 2, 3))).toThrow('Item 3');
});

const blocksOf = (plan: BatchPlan, catalog: { starts: Int32Array }, views: number) =>
  Array.from({ length: plan.pictures.length / views }, (_, slot) => {
    const pictures = plan.pictures.slice(slot * views, (slot + 1) * views);
    const items = [...new Set([...pictures].map((picture) => itemOf(catalog, picture)))];
    expect(items).toHaveLength(1);
    return { item: items[0]!, pictures, groups: new Set(plan.groups.slice(slot * views, (slot + 1) * views)) };
  });

test('identity batches have m views of each training item, as many different pictures as there are, and sound targets', () => {
  const relatedTo = (count: number) => (item: number) => [
    { item: (item + 1) % count, weight: 2 },
    { item: (item + 3) % count, weight: 0.5 },
  ];
  fc.assert(
    fc.property(
      trainable,
      fc.constantFrom(2, 3, 4),
      fc.constantFrom(0, 0.5, 1),
      fc.integer({ min: 0, max: 99 }),
      (shape, views, share, seed) => {
        const catalog = catalogOf(shape);
        const rows = 6 * views;
        const of = relatedTo(shape.length);
        const make = () =>
          identityBatches({
            catalog,
            rows,
            views,
            seed,
            related: { of, share },
            loss: { kind: 'infoNce', temperature: 0.1 },
          });
        const source = make();
        for (let batch = 0; batch < 4; batch++) {
          const plan = source.next();
          if (plan.loss.kind !== 'infoNce') throw new Error(plan.loss.kind);
          const blocks = blocksOf(plan, catalog, views);
          const train = itemsIn(catalog, 'train').length;
          expect(new Set(blocks.map(({ item }) => item)).size).toBe(Math.min(6, train));
          for (const { item, pictures, groups } of blocks) {
            expect(shape[item]!.split).toBe(0);
            expect(groups.size).toBe(1);
            expect(new Set(pictures).size).toBe(Math.min(views, shape[item]!.pictures));
          }
          for (let i = 0; i < rows; i++) {
            const row = plan.loss.targets.slice(i * rows, (i + 1) * rows);
            const own = blocks[Math.floor(i / views)]!;
            let [mass, foreign] = [0, 0];
            row.forEach((value, j) => {
              const other = blocks[Math.floor(j / views)]!;
              expect(value).toBeGreaterThanOrEqual(0);
              mass += value;
              if (other.item !== own.item) foreign += value;
              else if (i !== j) expect(value).toBeGreaterThan(0);
              if (value > 0) expect(plan.groups[j]).toBe(plan.groups[i]);
              if (i === j) expect(value).toBe(0);
            });
            expect(mass).toBeCloseTo(1, 5);
            // 0.5 w / (1 + w) for weights 2 and 0.5.
            expect([0, 1 / 3, 1 / 6].some((expected) => Math.abs(expected - foreign) < 1e-6)).toBe(true);
            if (share === 0) expect(foreign).toBe(0);
          }
        }
        if (share === 0) expect(source.counts().related).toBe(0);
        expectResumes(make);
      },
    ),
    { numRuns: 40 },
  );
});

test('every training item is drawn once in a pass, and which comes with which is uniform', () => {
  const catalog = catalogOf(Array.from({ length: 12 }, () => ({ pictures: 1, category: -1, split: 0 })));
  const source = identityBatches({
    catalog,
    rows: 8,
    views: 2,
    seed: 3,
    loss: { kind: 'infoNce', temperature: 0.1 },
  });
  const pairs = new Map<string, number>();
  for (let pass = 0; pass < 3000; pass++) {
    const batches = Array.from({ length: 3 }, () => blocksOf(source.next(), catalog, 2).map(({ item }) => item));
    expect(new Set(batches.flat()).size).toBe(12);
    const [a, b] = batches[0]! as [number, number];
    const key = [a, b].sort((x, y) => x - y).join(' ');
    pairs.set(key, (pairs.get(key) ?? 0) + 1);
  }
  const law = new Map([...pairs.keys()].map((key) => [key, 1 / 66] as const));
  expect(law.size).toBe(66);
  const drawn = [...pairs].flatMap(([key, count]) => Array.from({ length: count }, () => key));
  expectLaw(law, () => drawn.pop()!, 3000);
});

test('what shoppers chose comes along in proportion to its weight, and its turn in the pass is not lost', () => {
  const catalog = catalogOf(
    Array.from({ length: 30 }, (_, i) => ({ pictures: 2, category: 0, split: i < 27 ? 0 : 2 })),
  );
  const of = (item: number) => [
    { item: (item + 1) % 27, weight: 3 },
    { item: (item + 2) % 27, weight: 1 },
    { item: 28, weight: 1000 },
  ];
  const source = identityBatches({
    catalog,
    rows: 8,
    views: 2,
    seed: 3,
    related: { of, share: 0.5 },
    loss: { kind: 'infoNce', temperature: 0.1 },
  });
  for (let batch = 0; batch < 4000; batch++) source.next();
  const { identities, related, repeated } = source.counts() as Record<string, number>;
  expect(repeated).toBe(0);
  expect(identities! + related!).toBe(4 * 4000);
  // The last place of a batch has no room for company.
  expect(related! / identities!).toBeGreaterThan(0.35);
  const { waiting, passes } = source.state() as { waiting: number[]; passes: { pass: number; at: number } };
  expect(passes.pass * 27 + passes.at - waiting.length).toBe(identities);
  expect(waiting.length).toBeLessThan(27);
});

test('pairs of multi-similarity: same item or company 1, too alike 0, others -1, worked out by hand', () => {
  const catalog = catalogOf([0, 0, 0, 1].map((category) => ({ pictures: 1, category, split: 0 })));
  // Items 0 and 1 are alike, 2 is far from both, 3 is of another category.
  const relevance = (i: number, j: number) => (i + j === 1 ? 0.8 : 0.1);
  const source = identityBatches({
    catalog,
    rows: 8,
    views: 2,
    seed: 1,
    neutral: { relevance, above: 0.5 },
    related: { of: (item) => (item === 2 ? [{ item: 3, weight: 1 }] : []), share: 1 },
    loss: { kind: 'multiSimilarity', alpha: 2, beta: 50, base: 0.5 },
  });
  let came = 0;
  for (let batch = 0; batch < 50; batch++) {
    const plan = source.next();
    if (plan.loss.kind !== 'multiSimilarity') throw new Error(plan.loss.kind);
    const items = [...plan.pictures];
    const company = items.indexOf(2) >= 0 && plan.groups[items.indexOf(2)] === plan.groups[items.indexOf(3)];
    if (company) came++;
    const expected = items.flatMap((a, i) =>
      items.map((b, j) => {
        if (i === j) return 0;
        if (a === b || (company && a + b === 5)) return 1;
        return a + b === 1 ? 0 : -1;
      }),
    );
    expect([...plan.loss.pairs]).toEqual(expected);
  }
  expect(came).toBeGreaterThan(10);
});

test('rows and views that do not fit are refused, and so is a catalog without training items', () => {
  const catalog = catalogOf([{ pictures: 1, category: 0, split: 0 }]);
  const loss = { kind: 'infoNce', temperature: 0.1 } as const;
  expect(() => identityBatches({ catalog, rows: 7, views: 2, loss, seed: 1 })).toThrow('7 rows');
  expect(() => identityBatches({ catalog, rows: 7, views: 1, loss, seed: 1 })).toThrow('1 views');
  const held = catalogOf([{ pictures: 1, category: 0, split: 2 }]);
  expect(() => identityBatches({ catalog: held, rows: 4, views: 2, loss, seed: 1 })).toThrow('train');
  // One item: all rows are its views.
  const { loss: only } = identityBatches({ catalog, rows: 4, views: 2, loss, seed: 1 }).next();
  if (only.kind === 'infoNce')
    expect([...only.targets.slice(0, 4)].map((v) => Math.round(v * 3))).toEqual([0, 1, 1, 1]);
});

test('labelled batches give every picture of a training item with a category once in a pass, with its category', () => {
  fc.assert(
    fc.property(shapes, fc.integer({ min: 0, max: 99 }), (shape, seed) => {
      const catalog = catalogOf(shape);
      const wanted = shape.flatMap(({ category, split, pictures }, item) =>
        split === 0 && category >= 0 ? Array.from({ length: pictures }, (_, i) => catalog.starts[item]! + i) : [],
      );
      const categories = new Set(wanted.map((picture) => shape[itemOf(catalog, picture)]!.category));
      const make = () => labelledBatches({ catalog, rows: wanted.length, seed });
      const made = make();
      expect(made?.classes ?? 0).toBe(categories.size < 2 ? 0 : categories.size);
      if (!made) return;
      const labelOf = new Map<number, number>();
      for (let pass = 0; pass < 3; pass++) {
        const { pictures, groups, loss } = made.source.next();
        expect([...pictures].sort((a, b) => a - b)).toEqual(wanted);
        expect(groups.every((group) => group === -1)).toBe(true);
        if (loss.kind !== 'softmax') throw new Error(loss.kind);
        loss.labels.forEach((label, row) => {
          const category = shape[itemOf(catalog, pictures[row]!)]!.category;
          expect(labelOf.get(category) ?? label).toBe(label);
          labelOf.set(category, label);
        });
      }
      expect([...labelOf.values()].sort()).toEqual([...categories].map((_, i) => i));
      expectResumes(() => make()!.source);
    }),
    { numRuns: 60 },
  );
});

test('passes give all orders alike, and go on from their state', () => {
  const law = new Map(['0 1 2', '0 2 1', '1 0 2', '1 2 0', '2 0 1', '2 1 0'].map((key) => [key, 1 / 6]));
  const passes = makePasses(3, 4);
  expectLaw(law, () => [passes.next(), passes.next(), passes.next()].join(' '), 12_000);
  expect(passes.passes()).toBe(12_000);
  expect(() => makePasses(0, 1)).toThrow('nothing');
  expect(() => passes.restore({ seed: 1, pass: 0, at: 4 })).toThrow('longer');
});

test('batches of stored pictures show no picture twice, and a row is drawn to its item, its partner or its category', () => {
  fc.assert(
    fc.property(trainable, fc.integer({ min: 0, max: 99 }), fc.constantFrom(1, 4), (shape, seed, kin) => {
      const catalog = catalogOf(shape);
      const learners = itemsIn(catalog, 'train');
      const shown = learners.reduce((sum, item) => sum + Math.min(3, shape[item]!.pictures), 0);
      const rows = Math.min(12, shown);
      const partner = (item: number) => learners[(learners.indexOf(item) + 1) % learners.length]!;
      const related = { of: (item: number) => [{ item: partner(item), weight: 3 }], share: 0.4 };
      const make = () => storedBatches({ catalog, rows, views: 3, temperature: 0.1, kin, related, seed });
      const { pictures, groups, loss } = make().next();
      if (loss.kind !== 'infoNce') throw new Error(loss.kind);
      expect(new Set(pictures).size).toBe(rows);
      expect(groups.every((group) => group === -1)).toBe(true);
      const items = [...pictures].map((picture) => itemOf(catalog, picture));
      expect(items.every((item) => shape[item]!.split === 0)).toBe(true);
      for (const [i, item] of items.entries()) {
        const target = loss.targets.subarray(i * rows, (i + 1) * rows);
        const others = items.flatMap((other, j) => (other === item && j !== i ? [j] : []));
        const isKin = (other: number) =>
          kin > 1 && shape[item]!.category >= 0 && shape[other]!.category === shape[item]!.category;
        for (const [j, other] of items.entries()) {
          if (target[j] === 0) continue;
          const isPartner = other === partner(item) || item === partner(other);
          expect(j !== i && (other === item || isPartner || (others.length === 0 && isKin(other)))).toBe(true);
        }
        const sum = target.reduce((total, value) => total + value, 0);
        expect(Math.min(Math.abs(sum - 1), sum)).toBeLessThan(1e-6);
        // Another picture of the item in the batch always counts for at least a half.
        if (others.length > 0) expect(others.reduce((total, j) => total + target[j]!, 0)).toBeGreaterThan(0.49);
      }
      expectResumes(make);
      const tooMany = { catalog, rows: shown + 1, views: 3, temperature: 0.1, kin, seed };
      expect(() => storedBatches(tooMany)).toThrow('cannot fill');
    }),
    { numRuns: 60 },
  );
});

test('of one picture a product, batches of stored pictures show several products of a category', () => {
  const catalog = catalogOf(Array.from({ length: 600 }, (_, i) => ({ pictures: 1, category: i % 100, split: 0 })));
  const meeting = (kin: number): number => {
    const { pictures, loss } = storedBatches({ catalog, rows: 48, views: 4, temperature: 0.1, kin, seed: 1 }).next();
    if (loss.kind !== 'infoNce') throw new Error(loss.kind);
    return pictures.filter((_picture, i) => loss.targets.subarray(i * 48, (i + 1) * 48).some((value) => value > 0))
      .length;
  };
  expect(meeting(1)).toBe(0); // nobody says that they belong together
  expect(meeting(6)).toBeGreaterThan(40);
});

test('items of one picture bring others of their category along, and share their targets with them; all rows have proxies', () => {
  const shape = Array.from({ length: 60 }, (_, i) => ({ pictures: i < 40 ? 1 : 3, category: i % 4, split: 0 }));
  const catalog = catalogOf(shape);
  const labels = catalog.categories.map((category) => (category === 3 ? -1 : category));
  const taught = { labels, classes: 3, weight: 0.7, temperature: 0.2, kin: 4, share: 0.6 };
  const make = () =>
    identityBatches({
      catalog,
      rows: 48,
      views: 2,
      seed: 5,
      taught,
      loss: { kind: 'infoNce', temperature: 0.1 },
    });
  const source = make();
  for (let batch = 0; batch < 10; batch++) {
    const { pictures, groups, loss } = source.next();
    if (loss.kind !== 'infoNce') throw new Error(loss.kind);
    const items = Array.from(pictures, (picture) => itemOf(catalog, picture));
    expect(loss.proxies).toEqual({
      labels: Int32Array.from(items, (item) => labels[item]!),
      temperature: 0.2,
      weight: 0.7,
    });
    for (const [row, item] of items.entries()) {
      const target = loss.targets.subarray(row * 48, (row + 1) * 48);
      const on = (of: (other: number) => boolean) =>
        items.reduce((sum, other, j) => sum + (of(other) ? target[j]! : 0), 0);
      const kin = (other: number) => other !== item && labels[other] === labels[item];
      const graded = shape[item]!.pictures === 1 && labels[item]! >= 0 && items.some(kin);
      expect(on(() => true)).toBeCloseTo(1, 5);
      expect(on((other) => other === item)).toBeCloseTo(graded ? 0.4 : 1, 5);
      expect(target[row]).toBe(0);
      // What only its category describes is never turned.
      expect(groups[row] === -1).toBe(shape[item]!.pictures === 1 && labels[item]! >= 0);
      if (graded) expect(on(kin)).toBeCloseTo(0.6, 5);
    }
  }
  const { identities, kin } = source.counts();
  expect(kin! / identities!).toBeGreaterThan(0.5); // 3 of each of half of the items
  expectResumes(make);
});
