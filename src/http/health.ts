import { setTimeout as sleep } from 'node:timers/promises';
import type { Express } from 'express';
import type { Repositories } from '../db/repositories.ts';
import { remembered } from '../remembered.ts';
import type { Services } from '../services.ts';

type Health = Pick<Repositories['models'], 'serving'> & Pick<Services, 'queueAlive'> & { stopping: () => boolean };

/** A queue that has said nothing for so long is told as away by readyz, ms: load balancers wait for a second or two, and would take every process out. */
const QUEUE_MS = 500;

/**
 * healthz: the process answers. readyz: it will go on to, and the database answers too; `model` is null until the first
 * one serves. A queue that is away takes no shopper's answer away, and it is away for every process at once: readyz names
 * it and stays 200, so that a load balancer does not take the whole storefront out; /readyz/queue is a 503, for whoever
 * watches. All who ask at once share one look: nobody is counted here, and each look would take a session of the database.
 */
export function addHealth(app: Express, { serving, queueAlive, stopping }: Health): void {
  const shared = <T>(ask: () => Promise<T>) =>
    remembered(
      ask,
      () => 0,
      () => performance.now(),
    );
  const alive = shared(queueAlive);
  const look = shared(() => Promise.all([serving(), Promise.race([alive(), sleep(QUEUE_MS, false, { ref: false })])]));
  app.get('/healthz', (_req, res) => void res.json({ status: 'ok' }));
  app.get('/readyz', async (_req, res) => {
    if (stopping()) return void res.status(503).json({ status: 'stopping', model: null });
    try {
      const [model, isAlive] = await look();
      res.json({ status: 'ok', model: model?.modelId ?? null, queue: isAlive ? 'ok' : 'away' });
    } catch {
      res.status(503).json({ status: 'database unavailable', model: null });
    }
  });
  app.get('/readyz/queue', async (_req, res) => {
    const isAlive = await alive();
    res.status(isAlive ? 200 : 503).json({ status: isAlive ? 'ok' : 'queue away' });
  });
}
