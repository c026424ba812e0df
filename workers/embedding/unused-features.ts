import type { WorkerContext } from '../context.ts';
import { eyesOf } from '../encoders/eyes.ts';
import { eyesFor, factsOf } from './embedding.ts';
import { keyOf } from './encoding.ts';

type Context = Pick<WorkerContext, 'repositories' | 'encoder' | 'config' | 'pictures'>;

/** How long features of an eye that looks at nothing any more are kept, ms: it may be put back, and what it saw is not to be seen again at once. */
const KEPT_MS = 30 * 86_400_000;

/**
 * Removes what was seen by encoders, and by hand-made features of an earlier kind, that are used no more: no worker whose turn this was is set up with one,
 * and no version with vectors is computed from what it saw. All processes note together when each was last in use.
 * @param limit rows of each that are removed at once
 */
export async function forgetUnused(context: Context, limit: number): Promise<void> {
  const { features, installation, clock } = context.repositories;
  const isInUse = await usedNames(context);
  const now = clock.now().getTime();
  for (const name of await features.names()) {
    const key = `eye ${name}`;
    const lastUsed = await installation.get(key);
    const isOver = !isInUse(name) && lastUsed !== null && now - Number(lastUsed) > KEPT_MS;
    // When all is gone it is as one that was never seen: it may come back.
    const isNoted = isOver ? await features.forget(name, limit) : isInUse(name) || lastUsed === null;
    if (isNoted) await installation.set(key, String(now));
  }
}

/** Tells of a name under which features are kept whether it is in use. */
async function usedNames(context: Context): Promise<(name: string) => boolean> {
  const { catalogs } = context.repositories;
  const names = new Set(eyesOf(context.encoder).map((eye) => keyOf(context, eye)));
  /** Encoders that are not on this machine, which so does not know how pictures are decoded for them. */
  const elsewhere = new Set<string>();
  for (const catalog of await catalogs.ids())
    for (const version of await context.repositories.forCatalog(catalog).models.withVectors()) {
      const eyes = await eyesFor(context, version).catch(() => null);
      for (const eye of eyes ?? []) names.add(keyOf(context, eye));
      const { encoder } = factsOf(version);
      if (!eyes && encoder) elsewhere.add(encoder.id);
    }
  return (name) => names.has(name) || [...elsewhere].some((id) => name.startsWith(`${id}/`));
}
