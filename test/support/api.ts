import { usualAuthenticator } from '../../src/api-keys.ts';
import { loadConfig } from '../../src/config.ts';
import type { Patiences } from '../../src/deadline.ts';
import { retrainSettingsOf } from '../../src/jobs/retrain-policy.ts';
import { loadKeys } from '../../src/keys.ts';
import type { Log } from '../../src/log.ts';
import type { Authenticator } from '../../src/ports/authenticator.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { makeServices, type Services } from '../../src/services.ts';
import { auditSettingsOf } from '../../src/similarity/recall.ts';
import { type Answer, ask } from './ask.ts';
import { type FreshDatabase, freshDatabase } from './database.ts';
import { fakeQueue } from './fixtures.ts';

export const ADMIN_KEY = 'test-admin-key-0123456789';
export const SIGNING_KEY = 'test-signing-key-0123456789-0123456789';

/** A busy machine is no reason to cancel a request. */
const WITHOUT_END = { statementMs: 600_000, requestMs: 600_000 };
export const UNHURRIED = { shop: WITHOUT_END, admin: WITHOUT_END };

/** Lets the admin key with this hash in, and everybody into the storefront. */
export const adminKeyOf = (hash: () => string): Authenticator =>
  usualAuthenticator({ adminKeyHash: async () => hash(), apiKeys: { byHash: async () => null } });

/** Remembers what was logged. */
export function fakeLog() {
  const entries: { level: string; facts: unknown; sentence: unknown }[] = [];
  const at = (level: string) => (facts: unknown, sentence?: unknown) => void entries.push({ level, facts, sentence });
  return {
    entries,
    log: {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
    } as unknown as Log,
  };
}

export type TestApi = AsyncDisposable & {
  database: FreshDatabase;
  server: RunningServer;
  services: Services;
  queue: ReturnType<typeof fakeQueue>;
  logged: ReturnType<typeof fakeLog>['entries'];
  /** How far the server's clock is ahead of ours. */
  clock: { aheadMs: number };
  shop(query: string, variables?: object): Promise<Answer>;
  admin(query: string, variables?: object): Promise<Answer>;
};

type Around = {
  database?: FreshDatabase;
  patience?: Patiences;
  /** Milliseconds: the clock of the limits. */
  monotonic?: () => number;
  authenticator?: Authenticator;
};

/** The whole API over real HTTP and a fresh database. */
export async function testApi(
  env: NodeJS.ProcessEnv = {},
  { database: given, patience = UNHURRIED, monotonic, authenticator }: Around = {},
): Promise<TestApi> {
  const database = given ?? (await freshDatabase());
  const { repositories } = database;
  const config = loadConfig({
    PORT: '0',
    NODE_ENV: 'test',
    SIMILI_ADMIN_KEY: ADMIN_KEY,
    SIMILI_SIGNING_KEY: SIGNING_KEY,
    SIMILI_EXPLORE_SHARE: '0', // lists stand as they are ranked
    SIMILI_AUDIT_SHARE: '0',
    ...env,
  });
  const queue = fakeQueue();
  const clock = { aheadMs: 0 };
  const { entries: logged, log } = fakeLog();
  const keys = await loadKeys(repositories.installation, config);
  const services = makeServices({
    repositories,
    queue,
    log,
    signingKey: keys.signingKey,
    now: () => new Date(Date.now() + clock.aheadMs),
    patience,
    retraining: retrainSettingsOf(config),
    exploring: config.SIMILI_EXPLORE_SHARE,
    auditing: auditSettingsOf(config),
  });
  const server = await startServer({
    services,
    repositories,
    authenticator:
      authenticator ?? usualAuthenticator({ adminKeyHash: keys.adminKeyHash, apiKeys: repositories.apiKeys }),
    config,
    log,
    ...(monotonic && { clock: monotonic }),
  });
  return {
    database,
    server,
    services,
    queue,
    logged,
    clock,
    shop: (query, variables) => ask(`${server.url}/graphql`, query, variables),
    admin: (query, variables) =>
      ask(`${server.url}/admin/graphql`, query, variables, {
        authorization: `Bearer ${ADMIN_KEY}`,
      }),
    async [Symbol.asyncDispose]() {
      await server.close();
      await database[Symbol.asyncDispose]();
    },
  };
}
