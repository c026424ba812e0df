import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expressMiddleware } from '@as-integrations/express5';
import express, { type Express } from 'express';
import { configuredCopies } from './catalog/picture-copies.ts';
import type { Config } from './config.ts';
import type { Repositories } from './db/repositories.ts';
import { startDeadline, within } from './deadline.ts';
import { SimiliError } from './errors.ts';
import { adminLimits, storefrontLimits } from './graphql/cost/limits.ts';
import { makeApollo } from './http/apollo.ts';
import { isOpenToExplore } from './http/exploring.ts';
import { graphiql } from './http/graphiql.ts';
import {
  allowOrigins,
  lastResort,
  onlyMethods,
  onlyShortDocuments,
  requireAdminKey,
  secureHeaders,
} from './http/guards.ts';
import { serveImage } from './http/images.ts';
import { makeStream } from './http/stream.ts';
import type { Keys } from './keys.ts';
import type { Log } from './log.ts';
import { packageFile } from './package-root.ts';
import { simili } from './plugin.ts';
import type { Services } from './services.ts';

type Parts = {
  services: Services;
  repositories: Pick<Repositories, 'images' | 'models'>;
  adminKeyHash: Keys['adminKeyHash'];
  config: Pick<
    Config,
    | 'HOST'
    | 'PORT'
    | 'NODE_ENV'
    | 'SIMILI_CORS_ORIGINS'
    | 'SIMILI_TRUSTED_HOPS'
    | 'SIMILI_DATA_DIR'
    | 'SIMILI_MAX_IMAGE_BYTES'
  >;
  log: Log;
};
export type RunningServer = {
  /** Without a trailing slash. */
  url: string;
  port: number;
  /** Takes no new request, lets those in flight finish, ends the streams. */
  close(): Promise<void>;
};

/** Catalog pictures may lie on any host; scripts, styles and calls are our own. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: http:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const STOREFRONT_BODY = '256kb';
const ADMIN_BODY = '2mb';
const DRAIN_MS = 10_000;
const KEEP_ALIVE_MS = 75_000;

/** The API process: storefront, admin, progress streams, pictures, landing page, health. @throws SimiliError PORT_BUSY. */
export async function startServer({
  services,
  repositories,
  adminKeyHash,
  config,
  log,
}: Parts): Promise<RunningServer> {
  const { patience } = services;
  const plugin = simili(services);
  const admin = plugin.admin();
  const manners = { explore: isOpenToExplore(config), stackTraces: config.NODE_ENV === 'development' };
  const shop = plugin.standalone();
  const stream = makeStream(admin, adminLimits, manners, log);
  const servers = {
    storefront: makeApollo(shop, storefrontLimits, manners, log),
    admin: makeApollo(admin, adminLimits, manners, log),
  };
  const apollos = Object.values(servers);
  await Promise.all(apollos.map((apollo) => apollo.start()));

  const app = express().disable('x-powered-by').set('trust proxy', config.SIMILI_TRUSTED_HOPS).use(secureHeaders);
  if (manners.explore) app.use(graphiql(shop));
  const guarded = [
    requireAdminKey(() => within(startDeadline(patience.admin), adminKeyHash)),
    express.json({ limit: ADMIN_BODY }),
    onlyShortDocuments,
  ] as const;
  app.use(
    '/graphql',
    allowOrigins(config.SIMILI_CORS_ORIGINS),
    express.json({ limit: STOREFRONT_BODY }),
    onlyShortDocuments,
    expressMiddleware(servers.storefront),
  );
  app.use('/admin/graphql/stream', onlyMethods('POST'), ...guarded, stream.handler);
  app.use('/admin/graphql', onlyMethods('POST'), ...guarded, expressMiddleware(servers.admin));
  app.get(
    '/images/:id',
    serveImage({
      images: { byId: (id) => within(startDeadline(patience.shop), () => repositories.images.byId(id)) },
      copies: configuredCopies(config),
      maxBytes: config.SIMILI_MAX_IMAGE_BYTES,
    }),
  );
  addHealth(app, () => within(startDeadline(patience.shop), () => repositories.models.serving()));
  app.use(
    express.static(packageFile('web'), {
      setHeaders: (res) => res.setHeader('Content-Security-Policy', PAGE_POLICY),
    }),
  );
  app.use(lastResort(log));

  const http = await listen(app, config);
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://${config.HOST.includes(':') ? `[${config.HOST}]` : config.HOST}:${port}`,
    port,
    async close() {
      const drained = drain(http);
      stream.close();
      await drained;
      await Promise.all(apollos.map((apollo) => apollo.stop()));
    },
  };
}

/** healthz: the process answers. readyz: the database answers too; `model` is null until the first one serves. */
function addHealth(app: Express, askServing: Repositories['models']['serving']): void {
  app.get('/healthz', (_req, res) => void res.json({ status: 'ok' }));
  app.get('/readyz', async (_req, res) => {
    try {
      const serving = await askServing();
      res.json({ status: 'ok', model: serving?.modelId ?? null });
    } catch {
      res.status(503).json({ status: 'database unavailable', model: null });
    }
  });
}

function listen(app: Express, { HOST, PORT }: Pick<Config, 'HOST' | 'PORT'>): Promise<Server> {
  return new Promise((resolve, reject) => {
    const http = app.listen(PORT, HOST);
    // Longer than a load balancer keeps an idle connection (60 s): the side that reuses it must not be the last to know
    // that it was closed. A busy moment of this process would also outlast Node's 5 s.
    http.keepAliveTimeout = KEEP_ALIVE_MS;
    http.headersTimeout = KEEP_ALIVE_MS + 1000;
    http.once('listening', () => resolve(http));
    http.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') return reject(new SimiliError('PORT_BUSY', { port: PORT }));
      // ENOTFOUND, EADDRNOTAVAIL: no address of this machine; EACCES: a port that only root may bind.
      const why = `✖ The server cannot listen on HOST ${HOST}, PORT ${PORT}: ${error.message}`;
      reject(new SimiliError('CONFIGURATION_INVALID', { why }));
    });
  });
}

/** A kept-alive connection is closed when its request is done; whoever is not done after the grace time is cut off. */
async function drain(http: Server): Promise<void> {
  const cut = setTimeout(() => http.closeAllConnections(), DRAIN_MS);
  const sweep = setInterval(() => http.closeIdleConnections(), 50);
  await new Promise<void>((resolve) => {
    http.close(() => resolve());
  });
  clearTimeout(cut);
  clearInterval(sweep);
}
