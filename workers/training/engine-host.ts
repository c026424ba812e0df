import { type HostRun, serveHost } from '../hosts/serve.ts';
import { distil } from './distil/index.ts';
import { embed } from './embed/embed.ts';
import { encode } from './embed/encode.ts';
import { keepMaps } from './features/known-maps.ts';
import type {
  DistilRequest,
  EmbedRequest,
  EncodeRequest,
  RoundRequest,
  TrainingEvent,
  TrainingRequest,
} from './protocol.ts';
import { beginRounds, finishRounds, trainRound, whileBusy } from './rounds.ts';
import { train } from './train.ts';

const known = keepMaps();
const eventsOf = (run: HostRun) => (event: TrainingEvent) => run.event(event);

/** The child process that owns an engine. It knows files and numbers, no database, no queue, no network. */
serveHost({
  train: (request: TrainingRequest, run) => train(request, run.signal, eventsOf(run), known),
  embed: (request: EmbedRequest) => embed(request),
  encode: (request: EncodeRequest) => encode(request),
  distil: (request: DistilRequest, run) => distil(request, run.signal, eventsOf(run)),
  beginRounds: (request: TrainingRequest, run) => whileBusy(() => beginRounds(request, run.signal, eventsOf(run))),
  round: (request: RoundRequest, run) => whileBusy(() => trainRound(request, run.signal, eventsOf(run))),
  finishRounds: (request: { request: TrainingRequest; state: Uint8Array }, run) =>
    whileBusy(() => finishRounds(request, run.signal, eventsOf(run))),
});
