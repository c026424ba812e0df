import type { Express } from 'express';
import type { Repositories } from '../db/repositories.ts';

type Health = Pick<Repositories['models'], 'serving'> & { stopping: () => boolean };

/**
 * healthz: the process answers. readyz: it will go on to, and the database answers too; `model` is null until the first
 * one serves.
 */
export function addHealth(app: Express, { serving: askServing, stopping }: Health): void {
  app.get('/healthz', (_req, res) => void res.json({ status: 'ok' }));
  app.get('/readyz', async (_req, res) => {
    if (stopping()) return void res.status(503).json({ status: 'stopping', model: null });
    try {
      const serving = await askServing();
      res.json({ status: 'ok', model: serving?.modelId ?? null });
    } catch {
      res.status(503).json({ status: 'database unavailable', model: null });
    }
  });
}
