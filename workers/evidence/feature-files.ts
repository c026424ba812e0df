import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Features } from 'simili/internal/db/features';
import type { ReadyImage } from 'simili/internal/db/images';
import type { JobRow } from 'simili/internal/db/jobs';
import { PRIVATE_FILE, PRIVATE_FOLDER } from 'simili/internal/private-files';
import type { WorkerContext } from '../context.ts';
import { encodePictures } from '../embedding/encoding.ts';
import { type AnyEye, eyesOf } from '../encoders/eyes.ts';
import type { TrainingSet } from '../training/protocol.ts';

/** Files of eyes' vectors of a training set, picture by picture. */
export type FeatureFiles = {
  /** Adds pictures in their order. @returns those that could be read and seen: the others are no part of the set. */
  add(images: readonly ReadyImage[], signal: AbortSignal): Promise<ReadyImage[]>;
  finish(): Promise<Pick<TrainingSet, 'golden' | 'encoded'>>;
  /** For when it is not finished. */
  abandon(): Promise<void>;
};
type Context = Pick<WorkerContext, 'repositories' | 'pictures' | 'embedder' | 'config' | 'log' | 'encoder'>;
type EyeFile = { readonly eye: AnyEye; readonly path: string; readonly aside: string; readonly file: FileHandle };

/** A claim of a job. Each has files of its own: one that was lost removes none of those that another reads. */
type OfClaim = Pick<JobRow, 'id' | 'fence'>;

/** A week: no training takes longer than a day. Only a process that was killed leaves any, and a member of a training over several machines. */
const OLD_MS = 7 * 86_400_000;

/** Files of float16 [pictures, dimensions] in the data directory, one for each claim and eye; an engine process reads them. */
export async function openFeatureFiles(context: Context, claim: OfClaim): Promise<FeatureFiles> {
  const folder = folderOf(context);
  const name = nameOf(context, claim);
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  await removeOld(folder);
  const opened = async (eye: AnyEye): Promise<EyeFile> => {
    const path = join(folder, `${name}${eye.path === null ? 'golden' : 'encoder'}.f16`);
    const aside = `${path}.${process.pid}.${Date.now()}.part`;
    return { eye, path, aside, file: await open(aside, 'w', PRIVATE_FILE) };
  };
  const files = await Promise.all(eyesOf(context.encoder).map(opened));
  return {
    async add(images, signal) {
      const seen: Features[] = [];
      for (const { eye } of files) seen.push(await encodePictures(context, eye, images, signal));
      const kept = images.filter(({ contentHash }) => seen.every((rows) => rows.has(contentHash)));
      for (const [i, { file }] of files.entries())
        for (const { contentHash } of kept) await file.appendFile(bytesOf(seen[i]!.get(contentHash)!));
      return kept;
    },
    async finish() {
      const set: Pick<TrainingSet, 'golden' | 'encoded'> = {};
      for (const { eye, path, aside, file } of files) {
        await file.close();
        await rename(aside, path);
        if (eye.path === null) set.golden = path;
        else set.encoded = { encoder: eye.facts, path };
      }
      return set;
    },
    async abandon() {
      for (const { aside, file } of files) {
        await file.close();
        await rm(aside, { force: true });
      }
    },
  };
}

/** Removes those of a claim: its training is over, however it ended. */
export async function removeFeatureFiles(context: OfFiles, claim: OfClaim): Promise<void> {
  const [folder, name] = [folderOf(context), nameOf(context, claim)];
  const files = await readdir(folder).catch((): string[] => []); // nothing was collected
  // What cannot be removed is old some day, and makes no training fail that is done.
  for (const file of files.filter((one) => one.startsWith(name))) await rm(join(folder, file)).catch(() => {});
}

type OfFiles = {
  readonly repositories: { readonly catalog: string };
  readonly config: Pick<WorkerContext['config'], 'SIMILI_DATA_DIR'>;
};
const folderOf = ({ config }: OfFiles): string => join(config.SIMILI_DATA_DIR, 'features');
const nameOf = ({ repositories }: OfFiles, { id, fence }: OfClaim): string => `${repositories.catalog}.${id}.${fence}.`;

/** Node runs on little-endian machines only. */
const bytesOf = (bits: Uint16Array): Uint8Array => new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength);

async function removeOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() })); // somebody else removed it
    if (Date.now() - mtimeMs > OLD_MS) await rm(path, { force: true });
  }
}
