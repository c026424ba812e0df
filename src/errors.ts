/**
 * Every way a caller can be told no. The key is public and never renamed; `retry`: may the same call succeed later?
 * docs/errors.md is this table for readers; a test keeps the two equal.
 */
const CODES = {
  // asking
  INVALID_ARGUMENT: {
    retry: false,
    say: (a: { argument: string; why: string }) => `${a.argument} ${a.why}`,
  },
  CURSOR_INVALID: {
    retry: false,
    say: () => 'What `after` holds did not come from this list: start again without it',
  },
  CURSOR_RETIRED: {
    retry: false,
    say: (a: { model: string }) =>
      `This cursor belongs to ${a.model}, which no longer serves: start again without \`after\``,
  },
  RECOMMENDATION_INVALID: {
    retry: false,
    say: () => 'recommendationId was not signed by this server',
  },
  RECOMMENDATION_EXPIRED: {
    retry: false,
    say: (a: { days: number }) => `recommendationId is older than ${a.days} days`,
  },
  NOT_IN_LIST: {
    retry: false,
    say: (a: { itemId: string }) => `${a.itemId} was not in the list of this recommendationId`,
  },
  LIST_NOT_RANKED: {
    retry: false,
    say: () => 'No model ranked this list (its status is neither OK nor PARTIAL), so nothing is learned from it',
  },
  PICTURE_TOKEN_INVALID: {
    retry: false,
    say: () => 'This picture token was not made by this server: send the picture',
  },
  PICTURE_TOKEN_EXPIRED: {
    retry: false,
    say: () => 'This picture token is over an hour old, or of a model version that is gone: send the picture again',
  },
  PICTURES_BUSY: {
    retry: true,
    say: (a: { retryAfter: number }) => `Too many pictures wait to be looked at: try again in ${a.retryAfter} s`,
  },
  PICTURES_UNAVAILABLE: {
    retry: true,
    say: (a: { why: string }) => `The picture cannot be looked at now: ${a.why}`,
  },
  TOO_MANY_VISITORS: {
    retry: false,
    say: (a: { most: number }) =>
      `${a.most} visitors have reported about this list already: ask for a list of its own for each shopper`,
  },
  FEEDBACK_BUSY: {
    retry: true,
    say: (a: { retryAfter: number }) =>
      `The feedback of this catalog is being counted, so none of it was changed: try again in ${a.retryAfter} s`,
  },
  TIME_OUT_OF_RANGE: {
    retry: false,
    say: (a: { why: string }) => `occurredAt ${a.why}`,
  },
  CATALOG_UNKNOWN: {
    retry: false,
    say: (a: { catalog: string }) => `There is no catalog ${a.catalog}: \`simili catalog list\` shows them`,
  },
  NOT_FOUND: {
    retry: false,
    say: (a: { what: string; id: string }) => `There is no ${a.what} ${a.id}`,
  },
  TOO_COSTLY: {
    retry: false,
    say: (a: { what: string; most: number }) => `One request may ask for at most ${a.most} ${a.what}`,
  },
  DOCUMENT_UNKNOWN: {
    retry: false,
    say: () => 'This server executes the documents of its file alone, and this is none of them',
  },
  DEADLINE_EXCEEDED: {
    retry: true,
    say: (a: { seconds: number }) => `Not answered within ${a.seconds} s, so it was cancelled`,
  },
  EXTENSION_FAILED: {
    retry: true,
    say: (a: { what: string }) => `The shop's own ${a.what} failed; the log says why`,
  },
  RATE_LIMITED: {
    retry: true,
    say: (a: { retryAfter: number }) => `Too much at once: try again in ${a.retryAfter} s`,
  },
  // admin
  UNAUTHENTICATED: {
    retry: false,
    say: () => 'Send a key that is known here: `Authorization: Bearer <key>`',
  },
  FORBIDDEN: {
    retry: false,
    say: (a: { why: string }) => `This key may not do that: it ${a.why}`,
  },
  JOB_ALREADY_RUNNING: {
    retry: true,
    say: (a: { jobId: string }) => `${a.jobId} is already on its way`,
  },
  JOB_NOT_CANCELLABLE: {
    retry: false,
    say: (a: { jobId: string; state: string }) => `${a.jobId} is already ${a.state}`,
  },
  MODEL_NOT_SERVABLE: {
    retry: false,
    say: (a: { model: string; state: string }) => `${a.model} is ${a.state}, not STANDBY`,
  },
  NOTHING_TO_ROLL_BACK_TO: {
    retry: false,
    say: () => 'No version served before this one',
  },
  // pictures
  IMAGE_UNREADABLE: {
    retry: false,
    say: (a: { source: string; why: string }) => `Cannot decode ${a.source}: ${a.why}`,
  },
  IMAGE_TOO_LARGE: {
    retry: false,
    say: (a: { source: string; why: string }) => `${a.source} is too large: ${a.why}`,
  },
  IMAGE_UNREACHABLE: {
    retry: true,
    // retryAfterSeconds: what its host asked for; asked: whether the host was asked at all, or is left alone for a while
    say: (a: { source: string; why: string; retryAfterSeconds?: number; asked?: boolean }) =>
      `Cannot fetch ${a.source}: ${a.why}`,
  },
  IMAGE_FORBIDDEN: {
    retry: false,
    // resolved: whether what the name of its host resolves to is the reason
    say: (a: { source: string; why: string; resolved?: boolean }) => `Will not fetch ${a.source}: ${a.why}`,
  },
  IMAGE_TIMEOUT: {
    retry: false,
    say: (a: { source: string; seconds: number }) => `Decoding ${a.source} took over ${a.seconds} s`,
  },
  // learning
  CATALOG_TOO_SMALL: {
    retry: true,
    say: (a: { have: number; need: number }) =>
      `Training needs ${a.need} products with a readable picture; there are ${a.have}`,
  },
  CATALOG_UNLABELLED: {
    retry: true,
    say: (a: { recipe: string }) =>
      `The recipe ${a.recipe} learns from categories; there are no two with products that may teach`,
  },
  PICTURES_MISSING: {
    retry: true,
    say: (a: { why: string }) => `Too many pictures cannot be had now: ${a.why}`,
  },
  TRAINING_DIVERGED: {
    retry: false,
    say: (a: { step: number; why: string; items?: readonly (number | string)[] }) =>
      `Training stopped at step ${a.step}: ${a.why}${a.items?.length ? `, on ${listed(a.items)}` : ''}`,
  },
  ENGINE_UNAVAILABLE: {
    retry: true,
    say: (a: { engine: string; why: string }) => `Engine ${a.engine} cannot run here: ${a.why}`,
  },
  ENCODER_FAILED: {
    retry: true,
    say: (a: { encoder: string; why: string }) => `The encoder ${a.encoder} failed: ${a.why}`,
  },
  ENGINE_CRASHED: {
    retry: true,
    say: (a: { why: string }) => `The engine process ended: ${a.why}`,
  },
  ARTEFACT_CORRUPT: {
    retry: false,
    say: (a: { model: string; why: string }) => `The artefact of ${a.model} is damaged: ${a.why}`,
  },
  // the house
  DATABASE_UNAVAILABLE: {
    retry: true,
    say: (a: { why: string; retryAfter?: number }) => `Cannot use the database: ${a.why}`,
  },
  DATABASE_UNSUITABLE: {
    retry: false,
    say: (a: { why: string }) => `This database will not do: ${a.why}`,
  },
  REDIS_UNAVAILABLE: {
    retry: true,
    say: (a: { why: string }) => `Cannot use Redis: ${a.why}`,
  },
  REDIS_UNSUITABLE: {
    retry: false,
    say: (a: { why: string }) => `This Redis will not do: ${a.why}`,
  },
  STORAGE_FULL: {
    retry: true,
    say: (_: { retryAfter: number }) => 'The disk of the database is full: reads go on, writes wait for room',
  },
  DATA_DIR_LOCKED: {
    retry: true,
    say: (a: { dir: string; pid: number; since: string }) =>
      `${a.dir} is in use by process ${a.pid} since ${a.since}: stop it, or set SIMILI_DATA_DIR to another folder`,
  },
  DATA_DIR_UNWRITABLE: {
    retry: false,
    say: (a: { dir: string; why: string }) =>
      `Cannot write to ${a.dir}: ${a.why}. Give this user the right to write there, or set SIMILI_DATA_DIR to another folder`,
  },
  PORT_BUSY: {
    retry: true,
    say: (a: { port: number }) => `Port ${a.port} is taken: set PORT to another one`,
  },
  MIGRATION_FAILED: {
    retry: false,
    say: (a: { name: string; why: string }) => `Migration ${a.name} failed: ${a.why}`,
  },
  CONFIGURATION_INVALID: {
    retry: false,
    say: (a: { why: string }) => `Bad configuration\n${a.why}`,
  },
  SCHEMA_UNSUITABLE: {
    retry: false,
    say: (a: { why: string }) => `Cannot extend this schema: ${a.why}`,
  },
  PACKAGE_MISSING: {
    retry: false,
    say: (a: { command: string; name: string; version: string }) =>
      `${a.command} needs the package ${a.name}: npm install ${a.name}@${a.version}`,
  },
  IMPORT_UNREADABLE: {
    retry: false,
    say: (a: { source: string; why: string }) => `Cannot import ${a.source}: ${a.why}`,
  },
  MODEL_TOO_COSTLY: {
    retry: false,
    say: (a: { source: string; why: string }) => `${a.source} asks for too much: ${a.why}`,
  },
  SERVER_UNREACHABLE: {
    retry: true,
    say: (a: { url: string; why: string }) => `Cannot reach ${a.url}: ${a.why}`,
  },
  SERVER_REFUSED: {
    retry: false,
    say: (a: { url: string; code: string; why: string; retryAfter?: number | undefined }) =>
      `${a.url} answered ${a.code}: ${a.why}`,
  },
  INTERNAL: {
    retry: true,
    say: () => 'Something broke on our side; the log has it under this request',
  },
} as const;

/** The first of a long list, and how many more. */
function listed(items: readonly (number | string)[]): string {
  const shown = items.slice(0, 20).join(', ');
  return items.length > 20 ? `${shown} and ${items.length - 20} more` : shown;
}

export type ErrorCode = keyof typeof CODES;
type Facts<C extends ErrorCode> = Parameters<(typeof CODES)[C]['say']>[0];
/** Codes whose sentence needs no facts may leave them out. */
type FactsArgument<C extends ErrorCode> = Facts<C> extends undefined ? [facts?: undefined] : [facts: Facts<C>];

/** `throw new SimiliError('IMAGE_UNREADABLE', { source, why })`. The sentence is written above, once per code. */
export class SimiliError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'SimiliError';
  readonly facts: Facts<C>;
  constructor(
    readonly code: C,
    ...[facts]: FactsArgument<C>
  ) {
    super((CODES[code].say as (facts: unknown) => string)(facts));
    this.facts = facts as Facts<C>;
  }
  get retry(): boolean {
    return CODES[this.code].retry;
  }
  /** Becomes `errors[].extensions`; what is not a SimiliError is masked as INTERNAL. */
  get extensions() {
    const { retryAfter } = (this.facts ?? {}) as { retryAfter?: number };
    return { code: this.code, retry: this.retry, ...(retryAfter === undefined ? {} : { retryAfter }) };
  }
}

/** A code as some version stored it; INTERNAL where this version has none of that name. */
export const knownCode = (stored: string | null): ErrorCode =>
  stored !== null && Object.hasOwn(CODES, stored) ? (stored as ErrorCode) : 'INTERNAL';

/** Code and retry of every error, for docs and tests. */
export const errorCodes = Object.entries(CODES).map(([code, { retry }]) => ({
  code: code as ErrorCode,
  retry,
}));
