import type { AddressInfo } from 'node:net';
import { expressMiddleware } from '@as-integrations/express5';
import express, { type Request, type Response } from 'express';
import { configuredCopies } from './catalog/picture-copies.ts';
import type { Config } from './config.ts';
import type { Repositories } from './db/repositories.ts';
import { type Patience, startDeadline, within } from './deadline.ts';
import { ALLOWANCE, type Allowance } from './graphql/allowance.ts';
import { adminLimits, storefrontLimits } from './graphql/cost/limits.ts';
import { makeApollo } from './http/apollo.ts';
import { identify, isStillAdmitted, mayAsk, requireKey } from './http/callers.ts';
import { catalogOfUrl } from './http/catalog.ts';
import { clientLeft } from './http/client-left.ts';
import { clientScript } from './http/client-script.ts';
import { compressed } from './http/compress.ts';
import { listen } from './http/connections.ts';
import { allowOrigins } from './http/cors.ts';
import { isOpenToExplore } from './http/exploring.ts';
import { feedbackAsMutation } from './http/feedback.ts';
import { graphiql } from './http/graphiql.ts';
import { lastResort, notFound, notKept, onlyMethods, onlyShortDocuments, secureHeaders } from './http/guards.ts';
import { addHealth } from './http/health.ts';
import { serveImage } from './http/images.ts';
import { makeLimits } from './http/limits.ts';
import { receivePicture } from './http/picture.ts';
import { closeServer, makeStopping } from './http/stopping.ts';
import { makeStream } from './http/stream.ts';
import { onlyTrusted, readTrustedDocuments } from './http/trusted-documents.ts';
import { unmarked } from './http/unmarked.ts';
import { receiveFiles } from './http/uploads.ts';
import type { Log } from './log.ts';
import { packageFile } from './package-root.ts';
import { simili } from './plugin.ts';
import type { Authenticator } from './ports/authenticator.ts';
import type { Services } from './services.ts';

type Parts = {
  services: Services;
  repositories: Pick<Repositories, 'models' | 'uploadedPictures'>;
  authenticator: Authenticator;
  config: Config;
  log: Log;
  /** Milliseconds; never goes back. */
  clock?: () => number;
};
export type RunningServer = {
  /** Without a trailing slash. */
  url: string;
  port: number;
  /** From now on /readyz is a 503, and answers ask their callers to connect elsewhere; all is served as before. */
  stopSoon(): void;
  /** Takes no new request, lets those in flight finish, ends the streams. */
  close(): Promise<void>;
};

/** Catalog pictures may lie on any host; scripts, styles and calls are our own. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: http:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const STOREFRONT_BODY = '256kb';
const ADMIN_BODY = '2mb';

/** The API process: storefront, admin, progress streams, pictures, landing page, health. @throws SimiliError PORT_BUSY. */
export async function startServer({
  services,
  repositories,
  authenticator,
  config,
  log,
  clock = () => performance.now(),
}: Parts): Promise<RunningServer> {
  const { patience } = services;
  const limits = makeLimits(config, log, clock);
  const stopping = makeStopping();
  const plugin = simili(services);
  const admin = plugin.admin({ authorize: mayAsk });
  const manners = { explore: isOpenToExplore(config), stackTraces: config.NODE_ENV === 'development' };
  const shop = plugin.standalone({ authorize: mayAsk });
  const servers = {
    storefront: makeApollo(shop, storefrontLimits, manners, log, config.SIMILI_CACHE_SECONDS),
    admin: makeApollo(admin, adminLimits, manners, log),
  };
  const apollos = Object.values(servers);
  await Promise.all(apollos.map((apollo) => apollo.start()));

  const app = express().disable('x-powered-by').set('trust proxy', config.SIMILI_TRUSTED_HOPS);
  app.use(stopping.handler, secureHeaders, catalogOfUrl);
  const inShopTime = <T>(work: () => T): T => within(startDeadline(patience.shop), work);
  addHealth(app, {
    serving: () => inShopTime(() => repositories.models.serving()),
    queueAlive: services.queueAlive,
    stopping: stopping.begun,
  });
  if (manners.explore) app.use(graphiql(shop));
  const documents = config.SIMILI_TRUSTED_DOCUMENTS;
  const trusted = documents === undefined ? [] : [onlyTrusted(readTrustedDocuments(documents))];
  const cors = allowOrigins(config.SIMILI_CORS_ORIGINS);
  const inTimeOf = (time: Patience): Authenticator => ({
    ...authenticator,
    authenticate: (credentials) =>
      authenticator.byKeyAlone && credentials.key === null
        ? authenticator.authenticate(credentials)
        : within(startDeadline(time), () => authenticator.authenticate(credentials)),
  });
  const contextOf =
    (allowanceOf: (req: Request) => Allowance) =>
    async ({ req, res }: { req: Request; res: Response }) => ({
      req,
      clientLeft: clientLeft(res),
      [ALLOWANCE]: allowanceOf(req),
    });
  const stream = makeStream(
    admin,
    adminLimits,
    manners,
    log,
    (req) => ({ req, [ALLOWANCE]: limits.ofKeyHolder(req) }),
    isStillAdmitted(inTimeOf(patience.admin)),
  );
  const shopEndpoint = expressMiddleware(servers.storefront, { context: contextOf(limits.ofShopper) });
  const identified = identify(inTimeOf(patience.shop));
  app.use(
    '/graphql',
    ...[
      cors,
      unmarked,
      compressed,
      notKept,
      onlyMethods('GET', 'POST'),
      limits.query,
      identified,
      express.json({ limit: STOREFRONT_BODY }),
      onlyShortDocuments,
      ...trusted,
      shopEndpoint,
    ],
  );
  app.use(
    '/feedback',
    ...[
      cors,
      notKept,
      onlyMethods('POST'),
      limits.query,
      identified,
      ...feedbackAsMutation(config.SIMILI_CORS_ORIGINS, STOREFRONT_BODY),
    ],
    shopEndpoint,
  );
  const look = (catalog: string | null, bytes: Uint8Array) =>
    inShopTime(async () => (await services.inCatalog(catalog)).pictureToken(bytes));
  app.use(
    '/picture',
    ...[cors, notKept, onlyMethods('POST'), limits.query, ...limits.sentPicture, identified],
    ...receivePicture({ look, maxBytes: config.SIMILI_MAX_IMAGE_BYTES }),
  );
  const guarded = [
    compressed,
    notKept,
    onlyMethods('POST'),
    requireKey(inTimeOf(patience.admin), limits.wrongKeys),
    limits.admin,
  ];
  const read = [express.json({ limit: ADMIN_BODY }), onlyShortDocuments];
  const files = receiveFiles({ limits, maxBytes: config.SIMILI_MAX_IMAGE_BYTES });
  app.use('/admin/graphql/stream', ...guarded, ...read, limits.stream, stream.handler);
  app.use(
    '/admin/graphql',
    ...guarded,
    files,
    ...read,
    expressMiddleware(servers.admin, { context: contextOf(limits.ofKeyHolder) }),
  );
  const images = {
    byId: (catalog: string | null, id: string) =>
      inShopTime(async () => (await services.inCatalog(catalog)).repositories.images.byId(id)),
  };
  const uploads = { read: (hash: string) => inShopTime(() => repositories.uploadedPictures.read(hash)) };
  const pictures = { images, uploads, copies: configuredCopies(config), maxBytes: config.SIMILI_MAX_IMAGE_BYTES };
  app.get('/images/:id', limits.picture, serveImage(pictures));
  app.get('/client.js', limits.picture, compressed, clientScript);
  app.use(
    limits.picture,
    express.static(packageFile('web'), {
      setHeaders: (res) => res.setHeader('Content-Security-Policy', PAGE_POLICY),
    }),
  );
  app.use(notFound, lastResort(log));

  const http = await listen(app, config);
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://${config.HOST.includes(':') ? `[${config.HOST}]` : config.HOST}:${port}`,
    port,
    stopSoon: stopping.begin,
    async close() {
      stopping.begin();
      const closed = closeServer(http);
      stream.close();
      await closed;
      await Promise.all(apollos.map((apollo) => apollo.stop()));
      await services.flush();
    },
  };
}
