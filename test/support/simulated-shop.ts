import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApolloServer } from '@apollo/server';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { parse } from 'graphql';
import sharp from 'sharp';
import { withoutFederation } from '../../src/graphql/extend.ts';
import { adminScalars, storefrontScalars } from '../../src/graphql/scalars.ts';
import { packageFile } from '../../src/package-root.ts';

export const KEY = 'fake-admin-key-0123456789';
export type Event = { kind: string; eventId: string; recommendationId: string; itemIds: string[]; visitor: string };
type List = { anchor: string; items: string[]; firstPosition: number };
type Job = { id: string; state: string; phase: string; progress: number; onEnd: () => void; fails: boolean };
type Settings = {
  products: number;
  /** Every n-th GraphQL request fails with INTERNAL. */
  brokenEvery?: number;
  /** A training is already on its way. */
  busy?: boolean;
  trainingFails?: boolean;
  /** The new version is rejected by its gates. */
  rejected?: boolean;
  /** Clicks after which a training comes by itself; 0: none does. */
  retrainClicks?: number;
  /** Its choices are counted at every n-th look at retraining. */
  countsEvery?: number;
  /** It takes no event. */
  refuses?: boolean;
};
export type FakeShop = Awaited<ReturnType<typeof openFakeShop>>;

const HUES = 36;
const hash = (text: string) => createHash('md5').update(text).digest('hex');

const instant = new Date(0).toISOString();
/** A job as the contract has it. */
const shown = (job: Job) => ({ ...job, message: null, error: null, createdAt: instant, finishedAt: instant });

/**
 * The two endpoints of the contract over real HTTP, with a catalog of coloured squares and circles. It ranks by nothing at first (a
 * hash); after a retrain by hue, provided that clicks came in. It knows every event it was sent.
 */
export async function openFakeShop(settings: Settings) {
  const { products, brokenEvery = 0, busy, trainingFails = false, rejected, refuses } = settings;
  const { retrainClicks = 0, countsEvery = 1 } = settings;
  const ids = Array.from({ length: products }, (_, i) => `p${i}`);
  const hueOf = (id: string) => (Number(id.slice(1)) * 7) % HUES;
  const pictures = await Promise.all(
    Array.from({ length: HUES }, (_, hue) => drawn((360 * hue) / HUES, hue % 2 === 0)),
  );
  const events = new Map<string, Event>();
  const lists = new Map<string, List>();
  const quarantined: string[] = [];
  const jobs: Job[] = [];
  const seen = {
    requests: 0,
    filters: [] as string[][],
    retrains: [] as object[],
    adminKeys: new Set<string | undefined>(),
  };
  let model = { id: 'model-1', jobId: null as string | null };

  const apart = (one: string, other: string) => {
    const steps = Math.abs(hueOf(one) - hueOf(other));
    return Math.min(steps, HUES - steps);
  };
  const orders = new Map<string, string[]>();
  const order = (anchor: string): string[] => {
    const known = orders.get(`${model.id} ${anchor}`);
    if (known) return known;
    const key = (id: string) =>
      model.id === 'model-1' ? hash(anchor + id) : String(apart(anchor, id)).padStart(2, '0');
    const keyed = ids.filter((id) => id !== anchor).map((id) => ({ id, key: key(id) }));
    const found = keyed.sort((x, y) => (x.key < y.key ? -1 : x.key > y.key ? 1 : 0)).map(({ id }) => id);
    orders.set(`${model.id} ${anchor}`, found);
    return found;
  };
  const addJob = (onEnd: () => void, fails = false): Job => {
    const job = { id: `job-${jobs.length + 1}`, state: 'QUEUED', phase: 'TRAIN', progress: 0, onEnd, fails };
    jobs.push(job);
    return job;
  };
  const running = () => jobs.find(({ state }) => state === 'QUEUED' || state === 'RUNNING');
  /** Every look moves a job on. */
  const look = (job: Job) => {
    if (job.state === 'QUEUED') Object.assign(job, { state: 'RUNNING', progress: 0.5 });
    else if (job.state === 'RUNNING') {
      Object.assign(job, { state: job.fails ? 'FAILED' : 'SUCCEEDED', progress: 1, phase: 'DONE' });
      if (!job.fails) job.onEnd();
    }
    const error = job.state === 'FAILED' ? { code: 'TRAINING_DIVERGED', message: 'lost its way', retry: false } : null;
    return { ...shown(job), error };
  };
  const clicks = () => [...events.values()].filter(({ kind }) => kind === 'click' || kind === 'purchase').length;
  let learned = 0;
  const train = (fails: boolean): Job => {
    const job = addJob(() => {
      if (rejected || clicks() === 0) return;
      learned = clicks();
      model = { id: `model-${Number(model.id.split('-')[1]) + 1}`, jobId: job.id };
    }, fails);
    return job;
  };
  /** Clicks that a look at retraining counted: a server tells them some time after they are stored. */
  let [counted, looks] = [0, 0];
  /** As workers do once a minute. */
  const trainWhenDue = () => {
    if (retrainClicks > 0 && !running() && clicks() - learned >= retrainClicks) train(trainingFails);
  };
  if (busy) addJob(() => {});

  const similarItems = ({
    id,
    first,
    after,
    filter,
  }: {
    id: string;
    first: number;
    after?: string;
    filter?: { excludeIds?: string[] };
  }) => {
    const excluded = filter?.excludeIds ?? [];
    seen.filters.push(excluded);
    const all = order(id).filter((item) => !excluded.includes(item));
    const start = after ? Number(after) : 0;
    const items = all.slice(start, start + first);
    const recommendationId = randomUUID();
    lists.set(recommendationId, { anchor: id, items, firstPosition: start + 1 });
    return {
      status: 'OK',
      modelVersionId: model.id,
      recommendationId,
      nodes: items.map((item) => ({ id: item })),
      edges: items.map((item, i) => ({
        cursor: `${start + i + 1}`,
        position: start + i + 1,
        score: 0.5,
        node: { id: item },
      })),
      pageInfo: {
        hasNextPage: start + first < all.length,
        hasPreviousPage: start > 0,
        endCursor: `${start + items.length}`,
      },
    };
  };
  const submitFeedback = ({
    input,
  }: {
    input: {
      visitor: { id: string };
      events: Record<string, { eventId: string; recommendationId: string; itemId?: string; itemIds?: string[] }>[];
    };
  }) => {
    const answer = { accepted: 0, duplicates: 0, rejected: 0, userErrors: [] };
    for (const event of input.events) {
      const [kind, body] = Object.entries(event)[0]!;
      const itemIds = body.itemIds ?? [body.itemId!];
      if (refuses || !itemIds.every((id) => lists.get(body.recommendationId)?.items.includes(id))) answer.rejected++;
      else if (events.has(body.eventId)) answer.duplicates++;
      else {
        answer.accepted++;
        const { eventId, recommendationId } = body;
        events.set(eventId, { kind, eventId, recommendationId, itemIds, visitor: input.visitor.id });
      }
    }
    return answer;
  };
  const retrain = ({ input }: { input: object }) => {
    const other = running();
    if (other) {
      const error = {
        __typename: 'JobAlreadyRunningError',
        message: 'busy',
        code: 'JOB_ALREADY_RUNNING',
        jobId: other.id,
      };
      return { job: null, userErrors: [error] };
    }
    seen.retrains.push(input);
    return { job: shown(train(trainingFails)), userErrors: [] };
  };
  const resolvers = {
    Query: {
      products: (_: unknown, { first, after }: { first: number; after?: string }) => {
        const start = after ? Number(after) : 0;
        const nodes = ids.slice(start, start + first).map((id) => ({ id, image: { url: `/images/${hueOf(id)}` } }));
        const end = start + nodes.length;
        return {
          nodes,
          totalCount: ids.length,
          pageInfo: { hasNextPage: end < ids.length, hasPreviousPage: false, endCursor: `${end}` },
        };
      },
      similarItems: (_: unknown, args: never) => similarItems(args),
      activeModel: () => model,
      feedbackQuarantines: () =>
        quarantined.map((visitorId, i) => ({ id: `${i}`, visitorId, reason: 'test', events: 1, createdAt: instant })),
      job: (_: unknown, { id }: { id: string }) => {
        const job = jobs.find((each) => each.id === id);
        return job ? look(job) : null;
      },
      jobs: (_: unknown, { states }: { states?: string[] }) => {
        trainWhenDue();
        const newest = states ? running() : jobs.at(-1);
        return newest ? [shown(newest)] : [];
      },
      retraining: () => {
        const newChoices = Math.max(0, counted - learned);
        if (++looks % countsEvery === 0) counted = clicks();
        return { automatic: retrainClicks > 0, newChoices, neededChoices: retrainClicks };
      },
    },
    Mutation: {
      submitFeedback: (_: unknown, args: never) => submitFeedback(args),
      retrain: (_: unknown, args: never) => retrain(args),
    },
  };
  const contract = (file: string) => parse(readFileSync(packageFile(file), 'utf8'));
  const storefront = withoutFederation(contract('schema.graphql'));
  const shopOnly = {
    Query: { products: resolvers.Query.products, similarItems: resolvers.Query.similarItems },
    Mutation: { submitFeedback: resolvers.Mutation.submitFeedback },
  };
  const served = {
    '/graphql': makeExecutableSchema({ typeDefs: storefront, resolvers: [shopOnly, storefrontScalars] }),
    '/admin/graphql': makeExecutableSchema({
      typeDefs: [storefront, contract('schema.admin.graphql')],
      resolvers: [resolvers, storefrontScalars, adminScalars],
    }),
  };

  const servers = new Map(
    Object.entries(served).map(([path, schema]) => [
      path,
      new ApolloServer({ schema, stopOnTerminationSignals: false }),
    ]),
  );
  await Promise.all([...servers.values()].map((each) => each.start()));

  const answer = async (
    path: string,
    key: string | undefined,
    body: { query: string; variables: Record<string, unknown> },
  ) => {
    if (brokenEvery && ++seen.requests % brokenEvery === 0) return { errors: [refusal('INTERNAL', 'broke')] };
    if (path === '/admin/graphql') {
      seen.adminKeys.add(key);
      if (key !== `Bearer ${KEY}`) return { errors: [refusal('UNAUTHENTICATED', 'no key')] };
    }
    const { body: result } = await servers.get(path)!.executeOperation(body);
    if (result.kind !== 'single') throw new Error('no single answer');
    return result.singleResult;
  };
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    if (path.startsWith('/images/')) return void response.end(pictures[Number(path.slice('/images/'.length))]);
    if (!servers.has(path)) return void response.writeHead(404).end('not here');
    const result = await answer(path, request.headers.authorization, JSON.parse(await bodyOf(request)));
    response.setHeader('content-type', 'application/json').end(JSON.stringify(result));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    ids,
    events,
    lists,
    /** Ids of visitors. */
    quarantined,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await Promise.all([...servers.values()].map((each) => each.stop()));
    },
  };
}

const refusal = (code: string, message: string) => ({ message, extensions: { code } });

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

/** A square, or a circle, of one colour. */
function drawn(hue: number, isSquare: boolean): Promise<Buffer> {
  const corner = isSquare ? 0 : 8;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24"><rect x="4" y="4" width="16" height="16" rx="${corner}" fill="hsl(${hue},80%,50%)"/></svg>`;
  return sharp(Buffer.from(svg)).flatten({ background: '#fff' }).png().toBuffer();
}

/** A quiet place to run in. `lines`: what was said. */
export function quietly() {
  const lines: string[] = [];
  const around = {
    say: (line: string) => void lines.push(line),
    progress: () => ({ update() {}, stop() {} }),
    stamp: { now: () => new Date(), newId: () => randomUUID() as string },
    pollMs: 1,
    dwellMs: 0,
  };
  return { lines, around };
}
