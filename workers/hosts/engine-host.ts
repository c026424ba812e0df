import { embed } from '../training/embed.ts';
import { fitModel } from '../training/fit-model.ts';
import type { EmbedRequest, TrainingEvent, TrainingRequest } from '../training/protocol.ts';
import { serveHost } from './serve.ts';

/** The child process that owns an engine. It knows files and numbers, no database, no queue, no network. */
serveHost({
  train: (request: TrainingRequest, run) => fitModel(request, run.signal, (event: TrainingEvent) => run.event(event)),
  embed: (request: EmbedRequest) => embed(request),
});
