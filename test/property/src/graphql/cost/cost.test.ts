import { execute, getOperationAST, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { makeRandom } from '../../../../../learning/numbers/random.ts';
import { refusalOf } from '../../../../../src/graphql/cost/check.ts';
import { adminLimits, MOST_CHARACTERS, PARSED, storefrontLimits } from '../../../../../src/graphql/cost/limits.ts';
import { cheapShop } from '../../../../support/cheap-shop.ts';
import { cpuOf } from '../../../../support/cpu.ts';
import { type RandomRequest, randomRequest } from '../../../../support/random-document.ts';

/** .ci/run asks for 50,000. `SIMILI_FUZZ_DOCUMENTS=1000000 npx vitest run test/property/src/graphql` for the long run. */
const DOCUMENTS = Number(process.env.SIMILI_FUZZ_DOCUMENTS ?? 5_000);
const SEED = Number(process.env.SIMILI_FUZZ_SEED ?? 1);
const MOST_REFUSAL_MS = 10;
const MOST_RSS_GROWTH = 200 * 2 ** 20;
/** Full answers take far longer than all the rest: one in so many is made. */
const EXECUTED = 10;

const shop = cheapShop();
const contracts = [
  { schema: shop.storefront, limits: storefrontLimits },
  { schema: shop.storefront, limits: storefrontLimits },
  { schema: shop.admin, limits: adminLimits },
];
type Contract = (typeof contracts)[number];

/** Reads a request as a server does before it executes anything. @returns null for a refused one. */
function admitted({ schema, limits }: Contract, { query, variables, operationName }: RandomRequest) {
  if (query.length > MOST_CHARACTERS) return null;
  try {
    const document = parse(query, PARSED);
    if (refusalOf({ schema, document, variables, operationName }, limits)) return null;
    return validate(schema, document, undefined, { maxErrors: 10 }).length === 0 ? document : null;
  } catch {
    return null;
  }
}

/** Fields and list entries of an answer; a list of text is one value. */
function valuesIn(answer: unknown): number {
  if (typeof answer !== 'object' || answer === null) return 0;
  const entries = Object.values(answer);
  const isText = Array.isArray(answer) && entries.every((entry) => typeof entry !== 'object');
  return isText ? 0 : entries.reduce<number>((sum, entry) => sum + 1 + valuesIn(entry), 0);
}

test(
  `of ${DOCUMENTS} documents none is accepted that costs more than it may, and none is refused late`,
  async () => {
    const random = makeRandom(SEED);
    const counts = { refused: 0, accepted: 0, executed: 0, slowest: 0 };
    let rss = 0;
    for (let i = 0; i < DOCUMENTS; i++) {
      const contract = contracts[i % contracts.length] as Contract;
      const request = randomRequest(contract.schema, random);
      let document: ReturnType<typeof admitted> = null;
      const ms = cpuOf(() => {
        document = admitted(contract, request);
      }, MOST_REFUSAL_MS);
      if (document === null) {
        counts.refused += 1;
        counts.slowest = Math.max(counts.slowest, ms);
        if (ms > MOST_REFUSAL_MS) expect.fail(`refused after ${ms} ms: ${JSON.stringify(request).slice(0, 2_000)}`);
      } else {
        counts.accepted += 1;
        if (counts.accepted % EXECUTED === 0) {
          counts.executed += 1;
          await holdsItsBudget(contract, request, document);
        }
      }
      if (i === Math.floor(DOCUMENTS / 5)) rss = process.memoryUsage.rss();
    }
    process.stdout.write(`${JSON.stringify(counts)}\n`);
    expect(Math.min(counts.refused, counts.accepted)).toBeGreaterThan(DOCUMENTS / 10);
    expect(counts.executed).toBeGreaterThan(DOCUMENTS / 100);
    expect(process.memoryUsage.rss() - rss).toBeLessThan(MOST_RSS_GROWTH);
  },
  600_000 + DOCUMENTS * 10,
);

async function holdsItsBudget(
  { schema, limits }: Contract,
  { variables, operationName, query }: RandomRequest,
  document: ReturnType<typeof parse>,
): Promise<void> {
  shop.spent();
  const isOne = getOperationAST(document, operationName) !== null;
  const { data, errors = [] } = await execute({
    schema,
    document,
    contextValue: {},
    variableValues: variables,
    operationName,
  });
  const cost = { lists: shop.spent().lists, values: valuesIn(data), errors: errors.length };
  const isOver =
    cost.lists > limits.lists || cost.values > limits.values || cost.errors > limits.lists + limits.rootFields;
  if (isOver || (!isOne && cost.values > 0)) expect.fail(`${JSON.stringify(cost)} for ${query}`);
}
