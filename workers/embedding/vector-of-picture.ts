import type { AskedPicture } from 'simili/internal/db/picture-queries';
import { SimiliError } from 'simili/internal/errors';
import { sideBySide } from 'simili/internal/queue/jobs';
import type { WorkerContext } from '../context.ts';
import type { AnyEye } from '../encoders/eyes.ts';
import type { AsidePicture } from '../pictures/asked-pictures.ts';
import { DECODERS } from '../pictures/picture-service.ts';
import { makePool } from '../tools/pool.ts';
import { untilLeft } from '../tools/until-left.ts';
import { eyesFor, sidesOf } from './embedding.ts';
import { seenBefore } from './encoding.ts';

type Context = Pick<
  WorkerContext,
  'repositories' | 'pictures' | 'askedPictures' | 'embedder' | 'artefacts' | 'config' | 'encoder'
>;

/**
 * Places at the embedder of this process. A picture keeps its own until it was seen, whoever has left: where pictures come faster than they are
 * seen, those whose time is over leave before they begin, and the time of the encoders goes to those who wait still.
 */
const places = makePool(Array.from({ length: Math.min(DECODERS, sideBySide.picture ?? 1) }, () => null));

/**
 * The vector that a version gives a picture which is no product's, [dimensions]: as it would be a product's only picture. Nothing of it is
 * stored. The encoders are asked past what is remembered of how they fare: what a stranger sends puts none to rest. When he leaves, what they
 * have begun goes on: their process, which embeds the catalogs as well, would be ended where it does not stop at once.
 * @throws SimiliError NOT_FOUND, IMAGE_*, and those of encoders and engines.
 */
export async function vectorOfPicture(
  context: Context,
  modelId: string,
  picture: AskedPicture,
  signal: AbortSignal,
): Promise<Float32Array> {
  const { embedder } = context;
  const { models } = context.repositories;
  const model = await models.byId(modelId);
  if (!model) throw new SimiliError('NOT_FOUND', { what: 'model version', id: modelId });
  const artefact = await context.artefacts.pathOf(models, modelId);
  const eyes = await eyesFor(context, model);
  const own = sidesOf(model);
  const sides = [...new Set([...own, ...eyes.map(({ description }) => description.input.side)])];
  const seen = async ({ contentHash, folders }: AsidePicture, going: AbortSignal): Promise<Float32Array> => {
    const pictures = [contentHash];
    const encoded: Record<string, Uint16Array> = {};
    for (const encoder of eyes) {
      const folder = folders[encoder.description.input.side]!;
      const { vectors } = await embedder.encode({ encoder, pictures, folder }, going).catch(async (error: unknown) => {
        throw (await isBlindFor(context, encoder, error, signal)) ? unreadable(picture) : error;
      });
      encoded[encoder.facts.id] = vectors;
      signal.throwIfAborted();
    }
    const asked = { ...artefact, pictures, pixels: folders, encoded };
    return (await embedder.embed(asked, going)).vectors;
  };
  return context.askedPictures.decode(picture, sides, signal, (aside) =>
    untilLeft(signal, (going) => places.use(() => seen(aside, going), signal)),
  );
}

/** Whether it is the picture that an encoder failed on: it sees one of the catalog. */
async function isBlindFor(context: Context, encoder: AnyEye, error: unknown, signal: AbortSignal): Promise<boolean> {
  if (!(error instanceof SimiliError && error.code === 'IMPORT_UNREADABLE')) return false;
  const hash = await seenBefore(context, encoder, signal);
  if (hash === null) return false;
  const { side } = encoder.description.input;
  const folder = context.pictures.folders([side])[side]!;
  return context.embedder.encode({ encoder, pictures: [hash], folder }, new AbortController().signal).then(
    () => true,
    () => false,
  );
}

const unreadable = (picture: AskedPicture): SimiliError =>
  new SimiliError('IMAGE_UNREADABLE', {
    source: 'url' in picture ? picture.url : 'the picture',
    why: 'the encoder makes no numbers of it',
  });
