import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError, type GraphQLSchema, parse } from 'graphql';
import { demoCatalog } from '../../scripts/demo-catalog.ts';
import type { ImportRow } from '../../src/catalog/import/index.ts';
import { withoutFederation } from '../../src/graphql/extend.ts';

type StoredEvent = { kind: string; eventId: string; itemId?: string; itemIds?: string[]; recommendationId: string };
type FakeJob = {
  id: string;
  state: string;
  phase: string;
  progress: number;
  curve: { step: number; loss: number; activeShare: number }[];
  [field: string]: unknown;
};
type FakeModel = { id: string; number: number; kind: string; state: string; [field: string]: unknown };

const JOB_TICK_MS = 60;
const TICKS = 60;
const ENCODER = { id: 'eye-0123456789ab', title: 'An eye (of a test)', licence: 'Apache-2.0' };

/**
 * A shop in memory behind the two contracts, for tests of the page alone: likeness is nearness in the list of names,
 * a training is a clock. What a test wants to see or to upset is a field.
 */
export class FakeShop {
  products: ImportRow[] = [];
  readonly stored: StoredEvent[] = [];
  /** False: no model serves yet. */
  ready = true;
  /** How far a training goes before it waits, as a share. What a page does meanwhile then needs no time limit. */
  trainsUpTo = 1;
  readonly cold = new Set<string>();
  readonly jobs: FakeJob[] = [];
  readonly models: FakeModel[] = [modelOf(1, 'GOLDEN', 'ACTIVE')];

  async load(): Promise<this> {
    for await (const entry of demoCatalog()) if ('row' in entry) this.products.push(entry.row);
    return this;
  }

  readonly storefront = (): GraphQLSchema => executable([contract('schema.graphql')], [this.#shop()]);
  readonly admin = (): GraphQLSchema =>
    executable([contract('schema.graphql'), contract('schema.admin.graphql')], [this.#shop(), this.#office()]);

  pictureOf(id: string): string | undefined {
    return this.products.find((product) => product.id === id)?.images[0];
  }

  get #active(): FakeModel {
    return this.models.find(({ state }) => state === 'ACTIVE') as FakeModel;
  }

  #shop() {
    return {
      Query: {
        product: (_: unknown, { by }: { by: { id: string } }) => answerOf(this.products.find(({ id }) => id === by.id)),
        products: (_: unknown, { first, after }: { first: number; after?: string }) => {
          const sorted = [...this.products].sort((a, b) => (a.id < b.id ? -1 : 1));
          const start = Number(after ?? 0);
          return {
            ...pageOf(sorted.slice(start, start + first).map(answerOf), start, sorted.length),
            totalCount: sorted.length,
          };
        },
        similarItems: (_: unknown, args: { id: string; first: number; after?: string }) => this.#similar(args),
      },
      Mutation: {
        submitFeedback: (_: unknown, { input }: { input: { events: Record<string, StoredEvent>[] } }) => {
          let accepted = 0;
          for (const one of input.events) {
            const [kind, event] = Object.entries(one)[0] as [string, StoredEvent];
            if (this.stored.some(({ eventId }) => eventId === event.eventId)) continue;
            this.stored.push({ ...event, kind });
            accepted++;
          }
          return { accepted, duplicates: input.events.length - accepted, rejected: 0, userErrors: [] };
        },
      },
    };
  }

  #similar({ id, first, after }: { id: string; first: number; after?: string }) {
    const [number, from] = (after ?? `${this.#active.number}:0`).split(':').map(Number) as [number, number];
    if (number !== this.#active.number) {
      throw new GraphQLError('This cursor belongs to a retired model', {
        extensions: { code: 'CURSOR_RETIRED', retry: false },
      });
    }
    const at = this.products.findIndex((product) => product.id === id);
    const status = at < 0 ? 'ITEM_UNKNOWN' : this.cold.has(id) ? 'COLD_ITEM' : this.ready ? 'OK' : 'MODEL_NOT_READY';
    const ranked = status === 'OK' ? this.#nearest(at) : [];
    const edges = ranked.slice(from, from + first).map((node, i) => ({
      node: answerOf(node),
      position: from + i + 1,
      score: 0.987 - 0.0061 * (from + i),
      cursor: `${number}:${from + i + 1}`,
    }));
    const { pageInfo } = pageOf(edges, from, ranked.length);
    return {
      edges,
      nodes: edges.map(({ node }) => node),
      pageInfo: { ...pageInfo, endCursor: edges.at(-1)?.cursor ?? null },
      recommendationId: `${id}.${number}.${from}.${randomUUID()}`,
      status,
      modelVersionId: this.ready ? this.#active.id : null,
    };
  }

  /** Itself left out. A later model prefers the other side, so that its list is another one. */
  #nearest(at: number): ImportRow[] {
    const lean = this.#active.number % 2 === 0 ? 0.1 : -0.1;
    const far = (index: number) => Math.abs(index - at + lean);
    const ids = this.products.map((_, index) => index).filter((index) => index !== at);
    return ids.sort((a, b) => far(a) - far(b)).map((index) => this.products[index] as ImportRow);
  }

  #office() {
    return {
      Query: {
        models: (_: unknown, { first, states }: { first: number; states?: string[] }) =>
          this.models
            .filter(({ state }) => states?.includes(state) ?? true)
            .reverse()
            .slice(0, first),
        explainSimilarity: () => ({
          modelVersionId: this.#active.id,
          score: 0.82,
          parts: [
            { name: 'colour', title: 'Colours', share: 0.64, score: 1 },
            { name: 'hog', title: 'Shapes', share: 0.36, score: 0.5 },
          ],
          chosenBy: 31,
          clickedBy: 29,
          addedToCartBy: null,
          boughtBy: 21,
          dismissedBy: null,
        }),
        feedbackHealth: () => ({
          accepted: 1234,
          rejections: [{ code: 'NOT_IN_LIST', count: 3 }],
          impressionCoverage: 0.925,
          bots: { visitors: 0, events: 0, rules: [] },
          daysPending: 0,
        }),
        clickThrough: () => ({
          versions: [{ modelVersionId: this.#active.id, rate: { rate: 0.041, low: 0.035, high: 0.048 } }],
        }),
        retraining: () => ({
          automatic: true,
          due: false,
          newChoices: 12,
          neededChoices: 500,
          newProducts: 3,
          neededProducts: 170,
          encoder: null,
          notBefore: null,
          scheduledFor: null,
        }),
        jobs: (_: unknown, { first }: { first: number }) => [...this.jobs].reverse().slice(0, first),
      },
      Mutation: {
        retrain: (_: unknown, { input }: { input?: { seconds?: number } }) => this.#retrain(input?.seconds ?? null),
        cancelJob: (_: unknown, { input: { id } }: { input: { id: string } }) => {
          const job = this.jobs.find((one) => one.id === id);
          if (job) Object.assign(job, { state: 'CANCELLED', message: null });
          return { job, userErrors: [] };
        },
        rollback: (_: unknown, { input }: { input: { modelVersionId: string } }) => {
          const target = this.models.find(({ id }) => id === input.modelVersionId) as FakeModel;
          this.#active.state = 'STANDBY';
          target.state = 'ACTIVE';
          return { activeModel: target, userErrors: [] };
        },
      },
      Subscription: { jobProgress: { subscribe: (_: unknown, { id }: { id: string }) => this.#watch(id) } },
    };
  }

  async *#watch(id: string) {
    for (;;) {
      const job = this.jobs.find((one) => one.id === id) as FakeJob;
      yield { jobProgress: structuredClone(job) };
      if (!isOpen(job)) return;
      await sleep(JOB_TICK_MS);
    }
  }

  #retrain(seconds: number | null) {
    const open = this.jobs.find(isOpen);
    if (open) {
      const problem = {
        __typename: 'JobAlreadyRunningError',
        message: 'One runs',
        code: 'JOB_ALREADY_RUNNING',
        jobId: open.id,
      };
      return { job: open, userErrors: [problem] };
    }
    const now = new Date().toISOString();
    const job: FakeJob = {
      id: randomUUID(),
      kind: 'RETRAIN',
      state: 'RUNNING',
      phase: 'TRAIN',
      progress: 0,
      attempts: 1,
      curve: [],
      seconds,
      engine: 'onnx on cpu (1 thread)',
      requestedBy: 'admin',
      createdAt: now,
      startedAt: now,
      updatedAt: now,
    };
    this.jobs.push(job);
    this.#run(job);
    return { job, userErrors: [] };
  }

  async #run(job: FakeJob): Promise<void> {
    for (let tick = 1; tick <= TICKS; tick++) {
      const share = tick / TICKS;
      do await sleep(JOB_TICK_MS);
      while (share > this.trainsUpTo && isOpen(job));
      if (!isOpen(job)) return;
      const phase = share < 0.7 ? 'TRAIN' : share < 0.95 ? 'EMBED' : 'EVALUATE';
      Object.assign(job, { phase, progress: share, etaSeconds: Math.ceil(((TICKS - tick) * JOB_TICK_MS) / 1000) });
      if (phase === 'TRAIN') job.curve.push(pointOf(tick));
    }
    this.#active.state = 'STANDBY';
    this.models.push(modelOf(this.models.length + 1, 'NETWORK', 'ACTIVE'));
    Object.assign(job, { state: 'SUCCEEDED', phase: 'DONE', progress: 1, etaSeconds: null });
  }
}

const isOpen = ({ state }: FakeJob) => state === 'RUNNING';

const pointOf = (tick: number) => ({
  step: tick * 25,
  loss: 0.06 + 0.24 * Math.exp(-tick / 14) + 0.012 * Math.sin(tick * 1.7),
  activeShare: 0.2 + 0.6 * Math.exp(-tick / 16),
});

function modelOf(number: number, kind: string, state: string): FakeModel {
  const precision = (value: number) => ({ triplets: 400, precision: value });
  return {
    id: randomUUID(),
    number,
    kind,
    state,
    createdAt: new Date().toISOString(),
    dimensions: 96,
    checksum: '',
    embedded: 852,
    encoder: ENCODER,
    encoderProblem: null,
    metrics: {
      evaluation: { structure: precision(0.78 + 0.02 * number), clicks: precision(0.64 + 0.05 * number) },
    },
    gates: [
      { name: 'complete', passed: true, measured: true, reason: 'every product with a picture has a vector' },
      {
        name: 'catalog',
        passed: true,
        measured: true,
        reason: '82.0 % of 400 held-out category triplets, at least 79.0 %',
      },
      {
        name: 'ratings',
        passed: true,
        measured: false,
        reason: 'not measured: 0 held-out triplets of raters, 50 needed',
      },
    ],
  };
}

const contract = (file: string) =>
  withoutFederation(parse(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')));

const executable = (typeDefs: ReturnType<typeof contract>[], resolvers: object[]) =>
  makeExecutableSchema({ typeDefs, resolvers: resolvers as never[] });

function answerOf(row: ImportRow | undefined) {
  if (!row) return null;
  const { id, title, url, categories, tags, price, currency, available } = row;
  return {
    id,
    title,
    url,
    categories,
    tags,
    availableForSale: available,
    image: { url: `/images/${encodeURIComponent(id)}`, width: 256, height: 256 },
    price: price && { amount: price, currencyCode: currency },
  };
}

function pageOf(nodes: unknown[], start: number, total: number) {
  const end = start + nodes.length;
  return { nodes, pageInfo: { hasNextPage: end < total, hasPreviousPage: start > 0, endCursor: String(end) } };
}
