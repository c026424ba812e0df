import {
  execute,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  parse,
  validate,
} from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { loadConfig } from '../../src/config.ts';
import type { Repositories } from '../../src/db/repositories.ts';
import { patiencesOf } from '../../src/deadline.ts';
import { simili } from '../../src/plugin.ts';
import { makeServices, type Services } from '../../src/services.ts';
import { fakeLog, SIGNING_KEY } from '../support/api.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addModel, addProducts, fakeQueue } from '../support/fixtures.ts';

/*
 * Two catalogs in which everything has the same ids: products, pictures, versions, jobs, lists. All text of a catalog carries its
 * name, so an answer that holds the other's name is a leak. Root fields with random selections and arguments are asked
 * of both contracts, in documents of twenty.
 */
/** 10,000 in .ci/run: one for five documents of the fuzz test of costs. */
const PROBES = Number(process.env.SIMILI_FUZZ_DOCUMENTS ?? 10_000) / 5;
const A_DOCUMENT = 20;
const NAMES = ['crimson', 'azure'] as const;
type Name = (typeof NAMES)[number];
const otherThan = (name: Name): Name => (name === 'crimson' ? 'azure' : 'crimson');
const PRODUCTS = 12;
const EVENT = '11111111-1111-4111-8111-11111111111';
const ERASURE = '22222222-2222-4222-8222-222222222222';
const QUARANTINES = ['33333333-3333-4333-8333-333333333333', '44444444-4444-4444-8444-444444444444'];
/** Numbers of events in a receipt, which holds no text. */
const MARKS = { crimson: 4242, azure: 7373 };
const isOf = (name: Name, text: string): boolean => text.includes(name) || text.includes(`:${MARKS[name]}`);
const ids = Array.from({ length: PRODUCTS }, (_, i) => `p${i}`);

let database: FreshDatabase;
let services: Services;
let schemas: { storefront: GraphQLSchema; admin: GraphQLSchema };
const of = (name: Name): Repositories => database.repositories.forCatalog(name);
const { entries: logged, log } = fakeLog();

beforeAll(async () => {
  database = await freshDatabase();
  for (const name of NAMES) await fill(name);
  services = makeServices({
    repositories: database.repositories,
    queue: { ...fakeQueue(), add: lookAtOnce },
    log,
    signingKey: SIGNING_KEY,
    now: () => new Date(),
    patience: patiencesOf(loadConfig({})),
    retraining: { pauseMinutes: 60, choices: 500 },
    exploring: 0,
    auditing: { share: 0, alarmBelow: 0.95 },
  });
  const plugin = simili(services);
  schemas = { storefront: plugin.subgraph(), admin: plugin.admin({ authorize: () => true }) };
});
afterAll(() => database[Symbol.asyncDispose]());

/** A worker that sees the same in every picture. */
async function lookAtOnce(_name: string, payload: object): Promise<void> {
  const { catalog, id } = payload as { catalog?: Name; id?: string };
  if (!catalog || !id) return;
  const { pictureQueries } = of(catalog);
  await pictureQueries.take(id);
  await pictureQueries.answer(id, { vector: Float32Array.of(1, 0) });
}

/** Products, pictures in all states, three versions, two jobs, of which one runs: under one set of ids. */
async function fill(name: Name): Promise<void> {
  const { prisma } = database.storage;
  const catalogId = name;
  await database.repositories.catalogs.create(name);
  await addProducts(
    { repositories: of(name) },
    ids.map((id, i) => ({
      id,
      title: `${name} thing ${i}`,
      url: `https://shop.test/${id}`,
      categories: [name, 'all'],
      tags: [`tag of ${name}`],
      price: `${i + 1}.00`,
      currencyCode: name === 'crimson' ? 'EUR' : 'USD',
      imageUrls: [i % 2 ? `/${name}/${id}.png` : `https://${name}.test/${id}.png`],
    })),
  );
  await prisma.productImage.updateMany({ where: { catalogId }, data: { failure: `as ${name} says` } });
  for (const image of await prisma.productImage.findMany({ where: { catalogId } })) {
    const key = { catalogId_id: { catalogId, id: image.id } };
    const state = image.productId === 'p11' ? ('FAILED' as const) : ('READY' as const);
    await prisma.productImage.update({ where: key, data: { id: `img_${image.productId}`, state, contentHash: name } });
  }
  const metrics = {
    training: {
      encoder: { id: name, title: name, licence: name },
      withoutEncoder: { why: name },
      blocks: [{ feature: name, share: 1, length: 2 }],
    },
  };
  const gates = [{ name, passed: true, measured: true, reason: name }];
  for (const [i, state] of (['STANDBY', 'RETIRED', 'ACTIVE'] as const).entries()) {
    // Nearest in one catalog is farthest in the other.
    const sign = name === 'crimson' ? 1 : -1;
    const vectors = Object.fromEntries(ids.slice(0, 10).map((id, j) => [id, [Math.cos(sign * j + i), Math.sin(j)]]));
    const made = await addModel({ ...database, repositories: of(name) }, vectors, state);
    const data = { id: `mdl_${i}`, number: i + 1, parentId: name, checksum: name, jobId: `job_${i}`, metrics, gates };
    const table = `"simili_${name}".embedding_`;
    if (made.number !== i + 1)
      await prisma.$executeRawUnsafe(`ALTER TABLE ${table}${made.number} RENAME TO embedding_${i + 1}`);
    await prisma.modelVersion.update({ where: { catalogId_id: { catalogId, id: made.id } }, data });
  }
  for (const [i, visitorId] of ['v', 'w'].entries())
    await prisma.feedbackEvent.create({
      data: {
        catalogId,
        eventId: `${EVENT}${i}`,
        kind: 'CLICK',
        visitorId,
        anchorId: 'p0',
        itemIds: [`${name} item`],
        positions: [1],
        modelId: 'mdl_2',
        occurredAt: new Date(0),
      },
    });
  await prisma.erasure.create({ data: { catalogId, id: ERASURE, events: MARKS[name], visitors: [] } });
  for (const [i, id] of QUARANTINES.entries())
    await prisma.feedbackQuarantine.create({
      data: {
        catalogId,
        id,
        visitorId: ['v', null][i]!,
        itemId: `${name} item`,
        reason: name,
        rule: name,
        events: MARKS[name],
      },
    });
  const day = new Date(Math.floor(Date.now() / 86_400_000 - 2) * 86_400_000);
  await prisma.feedbackDay.create({
    data: { catalogId, day, stale: false, lists: MARKS[name], listsSeen: MARKS[name] },
  });
  for (const code of ['accepted', 'NOT_IN_LIST'])
    await prisma.feedbackCount.create({ data: { catalogId, day, name: code, count: MARKS[name] } });
  const seen = { impressions: MARKS[name], choices: MARKS[name], impressionsSq: 1e6, products: 1e6, choicesSq: 1e6 };
  for (const position of [0, 1])
    await prisma.feedbackClickThrough.create({
      data: { catalogId, day, modelId: 'mdl_2', position, visitors: MARKS[name], ...seen },
    });
  const error = { code: 'INTERNAL', message: name, retry: false };
  const curve = [{ step: 1, loss: name === 'crimson' ? 0.25 : 0.75, activeShare: 1 }];
  const text = { requestedBy: name, message: name, engine: name, error, curve };
  for (const [i, state] of (['SUCCEEDED', 'FAILED', 'RUNNING'] as const).entries())
    await prisma.job.create({
      data: { ...text, catalogId, id: `job_${i}`, kind: 'RETRAIN', state, modelId: `mdl_${i}`, finishedAt: new Date() },
    });
}

/** A random source, and what all lists of a document have in common: those that are asked for together are one statement. */
type Random = ReturnType<typeof makeRandom> & { habits: { first: number; filter: string } };
/** Cursors that the last documents were answered with, of both catalogs: of pages of the catalog, and of similar items. */
const seen = { products: [] as string[], items: [] as string[], events: [] as string[] };
const pick = <T>(random: Pick<Random, 'int'>, from: readonly T[]): T => from[random.int(from.length)]!;

/** Ids that a field asks for, where they are not of products. */
const IDS: Record<string, string[]> = { job: ['job_0', 'job_1', 'job_2'], visitorErasure: [ERASURE] };

/** An argument, by its name: ids that both catalogs have, and what either has handed out. */
function valueFor(random: Random, { name, type }: GraphQLArgument, field: string): string | null {
  const isWanted = String(type).endsWith('!');
  if (!isWanted && random.next() < 0.4) return null;
  switch (name) {
    case 'id':
      return JSON.stringify(random.next() < 0.1 ? 'nobody' : pick(random, IDS[field] ?? ids));
    case 'ids':
      return JSON.stringify([pick(random, ids), pick(random, ids), ...(random.next() < 0.1 ? ['nobody'] : [])]);
    case 'a':
    case 'b':
      return JSON.stringify(pick(random, ids.slice(0, 5)));
    case 'visitorId':
      return pick(random, ['"v"', '"w"', '"nobody"']);
    case 'by':
      return random.next() < 0.5
        ? `{ id: "${pick(random, ids)}" }`
        : `{ url: "https://shop.test/${pick(random, ids)}" }`;
    case 'first':
      return String(random.habits.first);
    case 'after':
      if (field === 'feedbackQuarantines') return JSON.stringify(QUARANTINES[0]);
      if (field === 'models') return pick(random, ['"mdl_1"', '"mdl_2"']);
      if (field === 'jobs') return pick(random, ['"job_0"', '"job_1"']);
      return seen[cursorOf(field)].length ? JSON.stringify(pick(random, seen[cursorOf(field)])) : null;
    case 'filter':
      return random.habits.filter;
    case 'minScore':
      return pick(random, ['0', '0.3']);
    case 'placement':
      return '"cart"';
    case 'fallback':
      return pick(random, ['NONE', 'CATEGORY', 'POPULAR']);
    case 'diversity':
      return pick(random, ['0', '0.5']);
    case 'distinctPictures':
      return pick(random, ['false', 'true']);
    case 'days':
      return pick(random, ['28', field === 'clickThrough' ? '400' : '90']);
    case 'until':
      return JSON.stringify(now());
    case 'modelVersionId':
      return pick(random, ['"mdl_0"', '"mdl_2"']);
    case 'states':
      if (field === 'models') return pick(random, ['[ACTIVE]', '[STANDBY, REJECTED]']);
      return pick(random, ['[RUNNING]', '[SUCCEEDED, FAILED]']);
    case 'picture':
      return `{ url: "https://pictures.test/${random.int(9)}.jpg" }`;
    case 'representations':
      return `[{ __typename: "Product", id: "${pick(random, ids)}" }]`;
    default:
      throw new Error(`The probe knows no value for ${name}: ${type}`);
  }
}

const cursorOf = (field: string): keyof typeof seen =>
  field === 'products' ? 'products' : field === 'visitorEvents' ? 'events' : 'items';

/** Fields that were asked for, as `Type.field`. */
const covered = new Set<string>();
const argumentsOf = (random: Random, field: GraphQLField<unknown, unknown>): string => {
  const given = field.args.flatMap((one) => {
    const value = valueFor(random, one, field.name);
    return value === null ? [] : [`${one.name}: ${value}`];
  });
  return given.length > 0 ? `(${given.join(', ')})` : '';
};

function selectionOf(random: Random, schema: GraphQLSchema, type: GraphQLNamedType, depth: number): string {
  if (!isCompositeType(type)) return '';
  if (isUnionType(type) || isInterfaceType(type)) {
    const [object] = schema.getPossibleTypes(type) as [GraphQLObjectType];
    return ` { ... on ${object.name}${selectionOf(random, schema, object, depth)} }`;
  }
  const fields = Object.values(type.getFields()).filter(
    (field) => !isCompositeType(getNamedType(field.type)) || depth > 0,
  );
  if (fields.length === 0) return ' { __typename }';
  const leaves = fields.filter(() => random.next() < 0.5);
  const chosen = leaves.length > 0 ? leaves : [fields[0]!];
  return ` { ${chosen.map((field) => callOf(random, schema, type, field, depth)).join(' ')} }`;
}

function callOf(
  random: Random,
  schema: GraphQLSchema,
  parent: GraphQLObjectType,
  field: GraphQLField<unknown, unknown>,
  depth: number,
): string {
  covered.add(`${parent.name}.${field.name}`);
  const named = getNamedType(field.type);
  return `${field.name}${argumentsOf(random, field)}${selectionOf(random, schema, named, depth - 1)}`;
}

const FILTERS = [
  ...NAMES.map((one) => `{ categories: ["${one}"] }`),
  ...NAMES.map((one) => `{ tags: ["tag of ${one}"] }`),
  ...NAMES.map((one) => `{ not: { categories: ["${one}"], attributes: [{ name: "brand", anyOf: ["${one}"] }] } }`),
  '{ available: true }',
  '{ price: { min: "3.00" } }',
  '{ excludeIds: ["p1", "p2"] }',
];

function documentOf(source: ReturnType<typeof makeRandom>, schema: GraphQLSchema): string {
  const random = { ...source, habits: { first: 1 + source.int(4), filter: pick(source, FILTERS) } };
  const query = schema.getQueryType()!;
  const fields = Object.values(query.getFields());
  const calls = Array.from(
    { length: A_DOCUMENT },
    (_, i) => `f${i}: ${callOf(random, schema, query, pick(random, fields), 1 + random.int(3))}`,
  );
  return `{ ${calls.join('\n')} }`;
}

/** A request of a catalog, as a server makes its context. */
const contextOf = (name: Name) => ({ req: { headers: { 'simili-catalog': name } } });
async function ask(schema: GraphQLSchema, name: Name, text: string, variableValues: object = {}) {
  const document = parse(text);
  const result = await execute({
    schema,
    document,
    contextValue: contextOf(name),
    variableValues: { ...variableValues },
  });
  return { ...result, text: JSON.stringify(result) };
}

const kindOf = (cursor: string): keyof typeof seen =>
  cursor.startsWith('product:') ? 'products' : cursor.includes(EVENT) ? 'events' : 'items';

/** Keeps what may be sent again, by whomever. */
function remember(text: string): void {
  for (const [, cursor] of text.matchAll(/"(?:cursor|startCursor|endCursor)":"([^"]+)"/g))
    seen[kindOf(Buffer.from(cursor!, 'base64url').toString())].push(cursor!);
  for (const one of Object.values(seen)) one.splice(0, one.length - 200);
}

test(`of ${PROBES} random probes over all fields of both contracts none is answered with what is of another catalog`, async () => {
  const random = makeRandom(14);
  const leaks: string[] = [];
  const own = { crimson: 0, azure: 0 };
  let [probes, answered] = [0, 0];
  for (let turn = 0; probes < PROBES; turn++) {
    const name = NAMES[turn % 2]!;
    const schema = turn % 4 < 2 ? schemas.storefront : schemas.admin;
    const document = documentOf(random, schema);
    if (turn < 8) expect(validate(schema, parse(document))).toEqual([]);
    const { data, text } = await ask(schema, name, document);
    probes += A_DOCUMENT;
    if (isOf(otherThan(name), text)) leaks.push(document);
    if (isOf(name, text)) own[name] += 1;
    answered += Object.values(data ?? {}).filter((value) => value !== null).length;
    remember(text);
  }
  expect(leaks).toEqual([]);
  // It was not silence that kept the secret.
  for (const name of NAMES) expect(own[name]).toBeGreaterThan(0.95 * (probes / A_DOCUMENT / 2));
  expect(answered).toBeGreaterThan(0.8 * probes);
  expect(covered).toEqual(allFields());
  expect(logged.filter(({ level }) => level === 'error')).toEqual([]);
});

/** All that a query can ask for. */
function allFields(): Set<string> {
  const found = new Set<string>();
  for (const schema of Object.values(schemas)) {
    const reach = (type: GraphQLNamedType): void => {
      if (isUnionType(type) || isInterfaceType(type)) for (const one of schema.getPossibleTypes(type)) reach(one);
      if (!isObjectType(type)) return;
      for (const field of Object.values(type.getFields())) {
        const path = `${type.name}.${field.name}`;
        if (found.has(path)) continue;
        found.add(path);
        reach(getNamedType(field.type));
      }
    };
    reach(schema.getQueryType()!);
  }
  return found;
}

/** Everything that is stored of a catalog, as text. */
async function stored(name: Name): Promise<string> {
  const { prisma } = database.storage;
  const tables = await prisma.$queryRaw<{ name: string }[]>`
    SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.columns
    WHERE table_schema LIKE 'simili%' AND column_name = 'catalog_id' ORDER BY name`;
  const rows = await Promise.all(
    tables.map(({ name: table }) =>
      prisma.$queryRawUnsafe<{ row: string }[]>(
        `SELECT t::text AS row FROM ${table} t WHERE catalog_id = '${name}' ORDER BY t::text`,
      ),
    ),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n');
}

const now = () => new Date().toISOString();
const clickOn = (itemId: string, recommendationId: string) => ({
  visitor: { id: 'v' },
  events: [{ click: { eventId: crypto.randomUUID(), occurredAt: now(), itemId, recommendationId } }],
});
const SUBMIT = `mutation ($input: SubmitFeedbackInput!) {
  submitFeedback(input: $input) { accepted userErrors { code } } }`;
/** Every mutation of both contracts, and what it answers. */
const mutations: Record<string, { text: string; input?: () => object; answers: object }> = {
  upsertProducts: {
    text: 'mutation ($input: UpsertProductsInput!) { upsertProducts(input: $input) { updated userErrors { code } } }',
    input: () => ({ products: [{ id: 'p3', title: 'crimson again', imageUrls: [], version: 9 }] }),
    answers: { updated: 1, userErrors: [] },
  },
  submitRatings: {
    text: 'mutation ($input: SubmitRatingsInput!) { submitRatings(input: $input) { accepted } }',
    input: () => ({ ratings: [{ anchorId: 'p0', positiveId: 'p1', negativeId: 'p2' }] }),
    answers: { accepted: 1 },
  },
  rollback: {
    text: 'mutation { rollback(input: { modelVersionId: "mdl_0" }) { activeModel { id checksum } userErrors { code } } }',
    answers: { activeModel: { id: 'mdl_0', checksum: 'crimson' }, userErrors: [] },
  },
  cancelJob: {
    text: 'mutation { cancelJob(input: { id: "job_2" }) { job { id requestedBy } userErrors { code } } }',
    answers: { job: { id: 'job_2', requestedBy: 'crimson' }, userErrors: [] },
  },
  retrain: {
    text: 'mutation { retrain { job { id requestedBy } userErrors { code } } }',
    answers: { job: { id: 'job_2', requestedBy: 'crimson' }, userErrors: [{ code: 'JOB_ALREADY_RUNNING' }] },
  },
  deleteProducts: {
    text: 'mutation { deleteProducts(input: { ids: ["p4", "p5"] }) { deleted } }',
    answers: { deleted: 2 },
  },
  forgetMe: {
    text: 'mutation { forgetMe(input: { visitor: { id: "v" } }) { erasure { events } } }',
    answers: { erasure: { events: 1 } },
  },
  eraseVisitors: {
    text: 'mutation { eraseVisitors(input: { visitorIds: ["w", "x"] }) { erasure { events } } }',
    answers: { erasure: { events: 1 } },
  },
  quarantineFeedback: {
    text: 'mutation ($input: QuarantineFeedbackInput!) { quarantineFeedback(input: $input) { quarantine { events visitorId } } }',
    input: () => ({ visitorId: 'v', reason: 'test' }),
    answers: { quarantine: { events: 0, visitorId: 'v' } }, // after forgetMe
  },
  releaseFeedback: {
    text: `mutation { releaseFeedback(input: { id: "${QUARANTINES[1]}" }) { quarantine { reason releasedAt } userErrors { code } } }`,
    answers: { quarantine: { reason: 'crimson' }, userErrors: [] },
  },
  submitFeedback: {
    text: SUBMIT,
    input: () => clickOn(listOf('crimson').item, listOf('crimson').id),
    answers: { accepted: 1, userErrors: [] },
  },
};
/** A list that each catalog handed out for the same anchor, and its first product. */
const handedOut = new Map<Name, { id: string; item: string }>();
const listOf = (name: Name) => handedOut.get(name)!;

test('no mutation of one catalog touches anything of the other, and each does its work', async () => {
  for (const name of NAMES) {
    const { data } = await ask(
      schemas.storefront,
      name,
      '{ similarItems(id: "p0") { recommendationId nodes { id } } }',
    );
    const { recommendationId, nodes } = (
      data as { similarItems: { recommendationId: string; nodes: { id: string }[] } }
    ).similarItems;
    handedOut.set(name, { id: recommendationId, item: nodes[0]!.id });
  }
  const fields = Object.keys(schemas.admin.getMutationType()!.getFields());
  expect(Object.keys(mutations).sort()).toEqual(fields.sort());
  const before = await stored('azure');
  for (const [field, { text, input, answers }] of Object.entries(mutations)) {
    const own = await stored('crimson');
    const { data, errors } = await ask(schemas.admin, 'crimson', text, input ? { input: input() } : {});
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({ [field]: answers });
    if (field !== 'retrain') expect(await stored('crimson')).not.toBe(own);
  }
  expect(await stored('azure')).toBe(before);
});

test('a list, and a place in one, of another catalog is refused as one that is not ours', async () => {
  const { id, item } = listOf('crimson');
  const input = clickOn(item, id);
  const { data } = await ask(schemas.storefront, 'azure', SUBMIT, { input });
  expect(data).toEqual({ submitFeedback: { accepted: 0, userErrors: [{ code: 'RECOMMENDATION_INVALID' }] } });
  const first = '{ similarItems(id: "p0", first: 2) { pageInfo { endCursor } } }';
  const { text } = await ask(schemas.storefront, 'crimson', first);
  const [, cursor] = /"endCursor":"([^"]+)"/.exec(text)!;
  const next = `{ similarItems(id: "p0", first: 2, after: "${cursor}") { nodes { title } } }`;
  expect((await ask(schemas.storefront, 'crimson', next)).errors).toBeUndefined();
  expect((await ask(schemas.storefront, 'azure', next)).errors?.[0]?.extensions.code).toBe('CURSOR_INVALID');
});

test('a job is watched in its own catalog', async () => {
  for (const name of NAMES) {
    const own = await services.inCatalog(name);
    const states = await own.watchJob('job_0');
    expect((await states.next()).value).toMatchObject({ requestedBy: name });
    await states.return(undefined);
  }
});

test('a catalog that does not exist is an error of its own, in a query and in a mutation', async () => {
  for (const text of [
    '{ products { totalCount } }',
    'mutation { deleteProducts(input: { ids: ["p0"] }) { deleted } }',
  ]) {
    const { errors } = await ask(schemas.admin, 'nowhere' as Name, text);
    expect(errors?.[0]).toMatchObject({
      message: expect.stringContaining('nowhere'),
      extensions: { code: 'CATALOG_UNKNOWN' },
    });
  }
});
