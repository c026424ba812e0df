import { createServer, IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Express, Request, Response } from 'express';
import { networkOf } from '../addresses.ts';
import type { Config } from '../config.ts';
import { SimiliError } from '../errors.ts';
import { keptIn } from '../kept-in.ts';

type Settings = Pick<
  Config,
  | 'HOST'
  | 'PORT'
  | 'SIMILI_TRUSTED_HOPS'
  | 'SIMILI_RECEIVE_SECONDS'
  | 'SIMILI_MAX_CONNECTIONS'
  | 'SIMILI_CONNECTIONS_PER_ADDRESS'
>;

/**
 * Longer than load balancers keep an idle connection (60 s): the side that reuses it must not be the last to know that it
 * was closed.
 */
const PROXY_KEEP_ALIVE_MS = 75_000;
/** Requests that a connection may send ahead of an answer that is under way: browsers and proxies send none, benchmarks a few. */
const MOST_AHEAD = 16;
/** A connection over the bound is told to come back when others may have gone. Seconds. */
const COME_BACK = 5;

/**
 * Opens the port. Whoever does not send his request whole in SIMILI_RECEIVE_SECONDS gets a 408; a connection without one is
 * closed after the same time, behind a proxy after 75 s. So is, after the first time, one that takes nothing of an answer.
 * @throws SimiliError PORT_BUSY, CONFIGURATION_INVALID.
 */
export function listen(app: Express, config: Settings): Promise<Server> {
  const receiveMs = config.SIMILI_RECEIVE_SECONDS * 1000;
  const refused = new WeakSet<Socket>();
  const answer = oneByOne(app as RequestListener);
  const http = createServer(
    {
      ...bornFor(app),
      headersTimeout: receiveMs,
      requestTimeout: receiveMs,
      connectionsCheckingInterval: Math.min(1000, receiveMs),
      keepAliveTimeout: config.SIMILI_TRUSTED_HOPS > 0 ? PROXY_KEEP_ALIVE_MS : receiveMs,
    },
    (req, res) => {
      if (refused.has(req.socket)) return;
      res.setTimeout(receiveMs, () => closeWhereNothingIsTaken(req.socket));
      answer(req, res);
    },
  );
  http.maxConnections = config.SIMILI_MAX_CONNECTIONS;
  // Behind a proxy all connections are the proxy's, who bounds those of his callers.
  if (config.SIMILI_TRUSTED_HOPS === 0) boundPerAddress(http, config.SIMILI_CONNECTIONS_PER_ADDRESS, refused);
  return new Promise((resolve, reject) => {
    http.once('listening', () => resolve(http));
    http.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') return reject(new SimiliError('PORT_BUSY', { port: config.PORT }));
      // ENOTFOUND, EADDRNOTAVAIL: no address of this machine; EACCES: a port that only root may bind.
      const why = `✖ The server cannot listen on HOST ${config.HOST}, PORT ${config.PORT}: ${error.message}`;
      reject(new SimiliError('CONFIGURATION_INVALID', { why }));
    });
    http.listen(config.PORT, config.HOST);
  });
}

/**
 * Requests that come behind one another on a connection are worked on one by one. Node answers them in their order, but hands out all of them at once:
 * what is answered would wait in memory for a first one that nobody reads.
 */
function oneByOne(app: RequestListener): RequestListener {
  const waiting = keptIn<Socket, number>();
  const change = (socket: Socket, by: number): number => {
    const now = (waiting.get(socket) ?? 0) + by;
    waiting.set(socket, now);
    return now;
  };
  return (req, res) => {
    if (res.socket !== null) {
      app(req, res);
      return;
    }
    const { socket } = req;
    if (change(socket, 1) > MOST_AHEAD) socket.destroy();
    res.once('socket', () => {
      change(socket, -1);
      process.nextTick(app, req, res); // Node has not yet finished with handing the connection on
    });
  };
}

/** An answer that is still being made holds nobody up. */
function closeWhereNothingIsTaken(socket: Socket): void {
  if (socket.writableLength > 0) socket.destroy();
}

type Born = { readonly IncomingMessage: typeof IncomingMessage; readonly ServerResponse: typeof ServerResponse };

/**
 * Classes of requests and answers that are born with the prototypes that Express gives them. On Node 20 an object that gets another one later, and all
 * that it leads to, survives each quick garbage collection until a full one: 11 KB of a request as small as that of /healthz (ADR 11).
 */
export function bornFor(app: Express): Born {
  class AppRequest extends IncomingMessage {}
  class AppResponse extends ServerResponse {}
  Object.setPrototypeOf(AppRequest.prototype, app.request);
  Object.setPrototypeOf(AppResponse.prototype, app.response);
  app.request = AppRequest.prototype as Request;
  app.response = AppResponse.prototype as unknown as Response;
  return { IncomingMessage: AppRequest, ServerResponse: AppResponse as typeof ServerResponse };
}

function boundPerAddress(http: Server, most: number, refused: WeakSet<Socket>): void {
  const open = new Map<string, number>();
  http.on('connection', (socket: Socket) => {
    const who = networkOf(socket.remoteAddress ?? '');
    const count = (open.get(who) ?? 0) + 1;
    open.set(who, count);
    socket.once('close', () => {
      const left = (open.get(who) ?? 1) - 1;
      if (left === 0) open.delete(who);
      else open.set(who, left);
    });
    if (count <= most) return;
    refused.add(socket);
    socket.end(refusal(), () => socket.destroy());
  });
}

/** Written before any request is read: it holds no memory and takes no time. */
function refusal(): string {
  const { message, extensions } = new SimiliError('RATE_LIMITED', { retryAfter: COME_BACK });
  const body = JSON.stringify({ errors: [{ message, extensions }] });
  return [
    'HTTP/1.1 429 Too Many Requests',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `Retry-After: ${COME_BACK}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
