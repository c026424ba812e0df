import { join } from 'node:path';
import { configuredCopies } from 'simili/internal/catalog/picture-copies';
import type { Config } from 'simili/internal/config';
import type { Repositories } from 'simili/internal/db/repositories';
import { checkDataDir } from 'simili/internal/db/session/lock';
import { retrainSettingsOf } from 'simili/internal/jobs/retrain-policy';
import { checkExtensions, telemetryOf } from 'simili/internal/load-extensions';
import type { Log } from 'simili/internal/log';
import type { Extensions } from 'simili/internal/ports/extensions';
import { usualRetrainPolicy } from 'simili/internal/ports/retrain-policy';
import { type JobQueue, type QueueName, queueNames } from 'simili/internal/queue/jobs';
import type { WorkerContext } from './context.ts';
import { findEncoder } from './encoders/find.ts';
import { UNKNOWN_LICENCE } from './encoders/hub.ts';
import { embedHandler } from './handlers/embed.ts';
import { evaluateHandler } from './handlers/evaluate.ts';
import { ingestHandler } from './handlers/ingest.ts';
import { chores, requeueAbandoned } from './handlers/maintenance.ts';
import { pictureHandler } from './handlers/picture.ts';
import { gatherHandler, roundHandler } from './handlers/round.ts';
import { trainHandler } from './handlers/train.ts';
import { openArtefactCache } from './jobs/artefact-cache.ts';
import { startChores } from './jobs/chores.ts';
import { openAskedPictures } from './pictures/asked-pictures.ts';
import { openConfiguredPictures, pictureLimitsOf } from './pictures/configured.ts';
import { openEngineHost } from './training/engine-client.ts';

export type FleetOptions = {
  repositories: Repositories;
  queue: JobQueue;
  config: Config;
  log: Log;
  /** Which queues this process takes work from; default all. */
  queues?: readonly QueueName[];
  /** No other process can hold a job: an embedded database. Jobs of a killed process then go on at once. */
  alone: boolean;
  /** Seams that the shop fills. */
  extensions?: Extensions;
};

export type Fleet = { context: WorkerContext; close(): Promise<void> };

/**
 * Takes work from the queues until closed. Engines and picture decoders are child processes, started when needed.
 * @throws SimiliError DATA_DIR_UNWRITABLE, IMPORT_UNREADABLE.
 */
export async function startFleet({ queues = queueNames, alone, ...base }: FleetOptions): Promise<Fleet> {
  checkDataDir(base.config.SIMILI_DATA_DIR);
  const context = await makeContext(base);
  if (alone) await requeueAbandoned(context, 0);
  let endChores = async (): Promise<void> => {};
  const start: Record<QueueName, () => Promise<void>> = {
    train: () => base.queue.work('train', trainHandler(context)),
    round: () => base.queue.work('round', roundHandler(context)),
    gather: () => base.queue.work('gather', gatherHandler(context)),
    embed: () => base.queue.work('embed', embedHandler(context)),
    evaluate: () => base.queue.work('evaluate', evaluateHandler(context)),
    ingest: () => base.queue.work('ingest', ingestHandler(context)),
    picture: () => base.queue.work('picture', pictureHandler(context)),
    maintenance: async () => {
      endChores = startChores({ installation: base.repositories.installation, log: base.log }, chores(context));
    },
  };
  for (const name of queues) await start[name]();
  return {
    context,
    /** The queue is closed first: handlers hand their jobs back, then the children may end. */
    async close() {
      await Promise.all([base.queue.close(), endChores()]);
      await Promise.all([context.trainer.close(), context.embedder.close()]);
      await Promise.all([context.pictures.close(), context.askedPictures.close()]);
    },
  };
}

async function makeContext(options: Omit<FleetOptions, 'queues' | 'alone'>): Promise<WorkerContext> {
  const { repositories, queue, config, log, extensions = {} } = options;
  checkExtensions(extensions);
  const copies = configuredCopies(config);
  const encoder = await findEncoder(config.SIMILI_ENCODER, config.SIMILI_DATA_DIR);
  if (encoder?.facts.licence === UNKNOWN_LICENCE)
    log.warn({ encoder: encoder.facts.id }, 'nobody says under which licence this encoder is: ask who made it');
  return {
    repositories,
    queue,
    config,
    log,
    copies,
    pictures: openConfiguredPictures(config, copies, repositories.uploadedPictures),
    askedPictures: openAskedPictures({
      dir: join(config.SIMILI_DATA_DIR, 'asked'),
      limits: pictureLimitsOf(config),
    }),
    trainer: openEngineHost('the trainer', config),
    embedder: openEngineHost('the embedder', config),
    encoder,
    encoders: extensions.encoders ?? [],
    telemetry: telemetryOf(extensions, log),
    retrainPolicy: extensions.retrainPolicy ?? usualRetrainPolicy(retrainSettingsOf(config)),
    artefacts: openArtefactCache(join(config.SIMILI_DATA_DIR, 'models')),
  };
}
