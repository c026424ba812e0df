import { encode } from '../encoders/encode.ts';
import { distil } from '../training/distil/index.ts';
import { embed } from '../training/embed.ts';
import { fitModel } from '../training/fit-model.ts';
import type {
  DistilRequest,
  EmbedRequest,
  EncodeRequest,
  RoundRequest,
  TrainingEvent,
  TrainingRequest,
} from '../training/protocol.ts';
import { beginRounds, finishRounds, trainRound, whileBusy } from '../training/rounds.ts';
import { type HostRun, serveHost } from './serve.ts';

const eventsOf = (run: HostRun) => (event: TrainingEvent) => run.event(event);

/** The child process that owns an engine. It knows files and numbers, no database, no queue, no network. */
serveHost({
  train: (request: TrainingRequest, run) => fitModel(request, run.signal, eventsOf(run)),
  embed: (request: EmbedRequest) => embed(request),
  encode: (request: EncodeRequest) => encode(request),
  distil: (request: DistilRequest, run) => distil(request, run.signal, eventsOf(run)),
  beginRounds: (request: TrainingRequest, run) => whileBusy(() => beginRounds(request, run.signal, eventsOf(run))),
  round: (request: RoundRequest, run) => whileBusy(() => trainRound(request, run.signal, eventsOf(run))),
  finishRounds: (request: { request: TrainingRequest; state: Uint8Array }, run) =>
    whileBusy(() => finishRounds(request, run.signal, eventsOf(run))),
});
