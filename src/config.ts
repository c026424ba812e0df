import { z } from 'zod';
import { DEFAULT_CATALOG, isCatalogId } from './catalog-id.ts';
import { MOST_AT_ONCE } from './db/session/pages-at-once.ts';
import { SimiliError } from './errors.ts';
import { FEEDBACK_WORTH, parseActionValues, valuesText } from './feedback-worth.ts';
import { cronOf } from './ports/retrain-policy.ts';
import { readSettingsFiles } from './settings-files.ts';
import { EXPLORING, MOST_EXPLORING } from './similarity/exploration.ts';
import { engineChoices, presetNames, recipeNames } from './training-names.ts';

/** Characters of an admin key that is given: fewer could be guessed. */
export const SHORTEST_ADMIN_KEY = 16;

const flag = z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1');

const seconds = (usual: number) => z.coerce.number().min(0.1).max(3600).default(usual);

const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean),
  );

const count = (standard: number) => z.coerce.number().int().min(1).max(1_000_000).default(standard);
const share = (standard: number) => z.coerce.number().min(0).max(1).default(standard);
const rate = (standard: number) => z.coerce.number().min(0).max(1_000_000).default(standard);

/** @returns the origin as browsers write it, or what is wrong with it. */
function normalOrigin(text: string): string | { problem: string } {
  if (text === '*') return text;
  const url = URL.canParse(text) ? new URL(text) : null;
  const rest = url && `${url.pathname.replace(/^\/$/, '')}${url.search}${url.hash}${url.username}`;
  if (!url?.host || rest || url.host.includes('*'))
    return { problem: `${text} is no origin: write scheme and host, like https://shop.example` };
  // `origin` is "null" for what is not of the web: apps of their own scheme.
  return url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin;
}

const origins = list.transform((texts, context) =>
  texts.map((text) => {
    const origin = normalOrigin(text);
    if (typeof origin === 'string') return origin;
    context.addIssue({ code: 'custom', message: origin.problem });
    return z.NEVER;
  }),
);

const Env = z.object({
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be an address like postgresql://user@host/database' })
    .optional()
    .describe('Postgres with pgvector; without it, PGlite in the data directory'),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be an address like redis://host:6379' })
    .optional()
    .describe('Queue on Redis; without it, on the database'),
  SIMILI_CATALOG: z
    .string()
    .refine(isCatalogId, 'Use lower-case letters, digits and single dashes between them, at most 32 characters')
    .default(DEFAULT_CATALOG)
    .describe('Catalog of requests and commands that name none'),
  SIMILI_DATA_DIR: z.string().min(1).default('.simili').describe('Embedded database, pixel cache, copies of pictures'),
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to bind'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(4000).describe('Port to bind; 0 takes a free one'),
  NODE_ENV: z
    .enum(['development', 'production', 'test'])
    .optional()
    .describe('development: stack traces, introspection, GraphiQL; unset: the last two on loopback'),
  SIMILI_TRUSTED_HOPS: z.coerce
    .number()
    .int()
    .min(0)
    .max(10)
    .default(0)
    .describe('Proxies in front that append to X-Forwarded-For; 0: the header is not believed'),
  SIMILI_RECEIVE_SECONDS: z.coerce
    .number()
    .min(0.1)
    .max(3600)
    .default(15)
    .describe('For receiving a request whole; who is idle, or reads nothing of an answer, is closed after as long'),
  SIMILI_MAX_CONNECTIONS: count(4096).describe('Open connections of all'),
  SIMILI_CONNECTIONS_PER_ADDRESS: count(256).describe('Open connections of one address, where no proxy is in front'),
  SIMILI_QUERY_RATE: rate(100).describe('Storefront requests a second of one address; 0: no limit'),
  SIMILI_PICTURE_RATE: rate(0.5).describe('Searches by a new picture a second of one address; 0: no limit'),
  SIMILI_FEEDBACK_RATE: rate(20).describe('Feedback events a second of one address; 0: no limit'),
  SIMILI_ADMIN_RATE: rate(100).describe('Requests a second with the admin key; 0: no limit'),
  SIMILI_WRONG_KEYS_PER_MINUTE: rate(10).describe('Wrong admin keys of one address; 0: no limit'),
  SIMILI_DRAIN_SECONDS: z.coerce
    .number()
    .min(0)
    .max(3600)
    .default(5)
    .describe('After SIGTERM: time to go on serving while /readyz says 503'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('warn')
    .describe('Of the JSON log on stderr'),
  SIMILI_ADMIN_KEY: z
    .string()
    .min(SHORTEST_ADMIN_KEY)
    .optional()
    .describe('Admin key; without it one is generated and printed once'),
  SIMILI_SIGNING_KEY: z
    .string()
    .min(32)
    .optional()
    .describe('Signs recommendation ids; without it one is generated and kept in the database'),
  SIMILI_EXPLORE_SHARE: z.coerce
    .number()
    .min(0)
    .max(MOST_EXPLORING)
    .default(EXPLORING)
    .describe('Share of lists that exchange two neighbours, to learn how far shoppers look; 0 to 0.2'),
  SIMILI_PAGES_AT_ONCE: z.coerce
    .number()
    .int()
    .min(1)
    .max(MOST_AT_ONCE)
    .optional()
    .describe(
      'Short pages that one process asks Postgres for at once; default 1.5 a processor on its own machine, else 10',
    ),
  SIMILI_NEIGHBOUR_LISTS_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Memory for neighbours of products that were asked for before, bytes; default 1/20 of the heap; 0: none'),
  SIMILI_AUDIT_SHARE: share(0.01).describe(
    'Share of lists that are asked again exactly, behind the answer, to measure recall; 0 to 1',
  ),
  SIMILI_AUDIT_ALARM: share(0.95).describe(
    'Recall that there is an alarm under, once 95 % of its interval are; 0 to 1',
  ),
  SIMILI_CACHE_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(86_400)
    .default(60)
    .describe('How long browsers and proxies may keep answers of GET without a signed list; 0: not at all'),
  SIMILI_TRUSTED_DOCUMENTS: z
    .string()
    .min(1)
    .optional()
    .describe('JSON file of the documents that the storefront API executes; without it, any within the limits'),
  SIMILI_FEEDBACK_DAYS: z.coerce
    .number()
    .int()
    .min(30)
    .max(36_500)
    .default(400)
    .describe('Days for which it is kept who did what; sums by day stay'),
  SIMILI_FEEDBACK_HALF_LIFE_DAYS: z.coerce
    .number()
    .min(0)
    .max(36_500)
    .default(FEEDBACK_WORTH.halfLifeDays)
    .refine((days) => days === 0 || days >= 1, 'is 0 or at least 1')
    .describe('Days after which feedback counts half in trainings; 0: it never fades'),
  SIMILI_ACTION_VALUES: z
    .string()
    .default(valuesText(FEEDBACK_WORTH.values))
    .transform((text, context) => {
      const values = parseActionValues(text);
      if (typeof values !== 'string') return values;
      context.addIssue({ code: 'custom', message: values });
      return z.NEVER;
    })
    .describe('What actions of shoppers are worth to a training; those left out are worth as much as usual'),
  SIMILI_CORS_ORIGINS: origins.describe('Origins whose pages may call the storefront API, comma separated; * for all'),
  SIMILI_BACKGROUND: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, 'must be a colour like #ffffff')
    .default('#ffffff')
    .describe('Colour behind transparent pictures, and under things that are cut out of others'),
  SIMILI_MAX_IMAGE_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .default(20 * 1024 * 1024)
    .describe('Largest picture file, bytes'),
  SIMILI_MAX_IMAGE_PIXELS: z.coerce.number().int().min(4096).default(50_000_000).describe('Largest picture, pixels'),
  SIMILI_IMAGE_TIMEOUT_SECONDS: z.coerce
    .number()
    .positive()
    .default(10)
    .describe('For fetching a picture, and again for decoding it'),
  SIMILI_ALLOW_PRIVATE_URLS: flag
    .default(false)
    .describe('Fetch pictures of the catalog from private and loopback addresses too'),
  SIMILI_IMAGE_HOSTS: list.describe(
    'Fetch pictures from these hosts only, comma separated; *.shop.test for all below one',
  ),
  SIMILI_PICTURE_CHECK_HOURS: z.coerce
    .number()
    .min(0)
    .max(100_000)
    .default(168)
    .describe('Age at which a picture is looked at again, in case it was replaced; 0: never'),
  SIMILI_VECTOR_INDEX: z
    .enum(['full', 'binary'])
    .default('full')
    .describe('What the search index of a new version is of: its vectors, or their signs alone, a third as large'),
  SIMILI_ENGINE: z.enum(engineChoices).default('auto').describe('Training and embedding engine'),
  SIMILI_REQUIRE_GPU: flag.default(false).describe('Refuse to train or embed on a CPU'),
  SIMILI_THREADS: z.coerce.number().int().min(1).max(256).default(1).describe('Threads of an engine process'),
  SIMILI_GPUS: list.describe('Numbers of the GPUs that a training uses, comma separated; one engine process each'),
  SIMILI_ENCODER: z
    .string()
    .min(1)
    .default('efficientnet-lite0')
    .describe('Pretrained network that looks at every picture: name, folder, ONNX file or none'),
  SIMILI_EXTENSIONS: z
    .string()
    .min(1)
    .optional()
    .describe('Module whose default export plugs your own parts in (docs/extending.md)'),
  SIMILI_PRESET: z
    .enum(presetNames, { error: `Use one of ${presetNames.join(', ')}` })
    .default('tiny')
    .describe('Network that is trained; simili model list shows them'),
  SIMILI_RECIPE: z
    .enum(recipeNames)
    .default('head')
    .describe('What is trained, and how: a head on what an encoder saw, or a network'),
  SIMILI_BACKBONE: z.string().min(1).optional().describe('ONNX file of a pretrained network to put in front of it'),
  SIMILI_TRAIN_PROCESSES: z.coerce
    .number()
    .int()
    .min(0)
    .max(256)
    .default(0)
    .describe('Engine processes of one training; 0: a core stays free, or one for each of SIMILI_GPUS'),
  SIMILI_TRAIN_MACHINES: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(1)
    .describe('Workers that share one training, in rounds'),
  SIMILI_PIXEL_CACHE_BYTES: z.coerce
    .number()
    .int()
    .min(2 ** 20)
    .default(16 * 2 ** 30)
    .describe('Bound of the pixel cache in the data directory'),
  SIMILI_QUERY_SECONDS: seconds(2).describe('Longest wait of a shopper for one statement of Postgres'),
  SIMILI_REQUEST_SECONDS: seconds(10).describe("Longest time of a shopper's request; what it still asks is cancelled"),
  SIMILI_ADMIN_QUERY_SECONDS: seconds(15).describe('The same of an administrator: one statement'),
  SIMILI_ADMIN_REQUEST_SECONDS: seconds(60).describe('The same of an administrator: one request'),
  SIMILI_TRAIN_SECONDS: z.coerce
    .number()
    .min(1)
    .max(86_400)
    .default(150)
    .describe("Length of a network's training, unless the retrain mutation says otherwise"),
  SIMILI_RETRAIN_PAUSE_MINUTES: z.coerce
    .number()
    .min(0)
    .max(1_000_000)
    .default(60)
    .describe('Shortest pause before a training that comes by itself; 0: none does'),
  SIMILI_RETRAIN_CHOICES: z.coerce
    .number()
    .int()
    .min(1)
    .default(500)
    .describe('New choices of shoppers after which one comes; at least 5 % of those learned from'),
  SIMILI_RETRAIN_SCHEDULE: z
    .string()
    .optional()
    .transform((text, context) => {
      try {
        return text && cronOf(text).getPattern();
      } catch (error) {
        context.addIssue({ code: 'custom', message: `is no cron expression: ${(error as Error).message}` });
        return z.NEVER;
      }
    })
    .describe('Cron expression, UTC, at whose times one comes too: 0 3 * * 1 is Mondays at three'),
  SIMILI_CHECKPOINT_SECONDS: z.coerce
    .number()
    .min(0.1)
    .default(10)
    .describe('Longest time of training that a crash may cost'),
});

export type Config = Readonly<z.infer<typeof Env>>;

/** Variables whose value is not shown: keys, and addresses, which may hold a password. */
const SECRET = /(_KEY|_URL)$/;

/** The only reader of the environment. Names every bad variable at once, before any socket or file opens. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = Env.safeParse(present, { error: wanted });
  if (parsed.success) return Object.freeze(parsed.data);
  const problems = parsed.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    const given = SECRET.test(name) ? '' : ` (given: ${JSON.stringify(present[name])})`;
    return `✖ ${name}${given}: ${message}`;
  });
  throw new SimiliError('CONFIGURATION_INVALID', { why: problems.join('\n') });
}

/** Says what a variable must be, where its shape has no sentence of its own. */
function wanted(issue: z.core.$ZodRawIssue): string | undefined {
  const unit = issue.origin === 'string' ? ' characters' : '';
  switch (issue.code) {
    case 'invalid_type':
      return `must be a ${issue.expected === 'int' ? 'whole number' : issue.expected}`;
    case 'too_small':
      return `must be at least ${issue.minimum}${unit}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${unit}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    default:
      return undefined;
  }
}

/** The same of one catalog, which goes before SIMILI_CATALOG. */
export const loadConfigFor = (catalog: string | undefined): Config =>
  loadConfig(catalog === undefined ? process.env : { ...process.env, SIMILI_CATALOG: catalog });

/** Name, default and meaning of every variable: the table in docs/configuration.md is checked against this. */
export const configReference = Object.entries(Env.shape).map(([name, type]) => ({
  name,
  meaning: type.description ?? '',
}));

/**
 * Takes settings of a folder's files (src/settings-files.ts) for those that the environment does not have, for this process and those
 * that it starts.
 * @throws SimiliError CONFIGURATION_INVALID
 */
export function useSettingsFiles(folder = process.cwd(), env: NodeJS.ProcessEnv = process.env): void {
  const names = configReference.map(({ name }) => name);
  for (const [name, value] of Object.entries(readSettingsFiles(folder, names))) env[name] ||= value;
}
