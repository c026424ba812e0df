import type { PictureCopies } from 'simili/internal/catalog/picture-copies';
import type { Config } from 'simili/internal/config';
import type { Repositories } from 'simili/internal/db/repositories';
import type { Log } from 'simili/internal/log';
import type { Encoder } from 'simili/internal/ports/encoder';
import type { RetrainPolicy } from 'simili/internal/ports/retrain-policy';
import type { Telemetry } from 'simili/internal/ports/telemetry';
import type { JobQueue } from 'simili/internal/queue/jobs';
import type { InstalledEncoder } from './engines/onnx/encoder-description.ts';
import type { ArtefactCache } from './jobs/artefact-cache.ts';
import type { AskedPictures } from './pictures/asked-pictures.ts';
import type { PictureService } from './pictures/picture-service.ts';
import type { EngineHost } from './training/engine-client.ts';

/** Parts of which every handler is made. */
export type WorkerContext = {
  /** Doors of one catalog: handlers take those of the catalog that a message names (`inCatalog`). */
  readonly repositories: Repositories;
  readonly queue: JobQueue;
  readonly pictures: PictureService;
  /** Pictures that shoppers search by. */
  readonly askedPictures: AskedPictures;
  /** Copies on this machine. */
  readonly copies: PictureCopies;
  /** Trains; a separate process from the one that embeds, so that a new product does not wait for a training. */
  readonly trainer: EngineHost;
  readonly embedder: EngineHost;
  readonly artefacts: ArtefactCache;
  /** Looks at every picture; null: none does. */
  readonly encoder: InstalledEncoder | null;
  /** The shop's own, each with a space of its own. */
  readonly encoders: readonly Encoder[];
  /** When trainings come by themselves. */
  readonly retrainPolicy: RetrainPolicy;
  readonly telemetry: Telemetry;
  readonly config: Config;
  readonly log: Log;
};

/** The same worker with the repositories of another catalog. Engines, pictures and caches by content are those of all. */
export const inCatalog = <Context extends Pick<WorkerContext, 'repositories'>>(
  context: Context,
  catalog: string,
): Context => ({ ...context, repositories: context.repositories.forCatalog(catalog) });
