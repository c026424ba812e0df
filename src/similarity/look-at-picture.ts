import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AskedPicture, PictureAnswer, PictureQueryRepository } from '../db/picture-queries.ts';
import { whoeverLeaves } from '../deadline.ts';
import { SimiliError } from '../errors.ts';
import type { JobQueue } from '../queue/jobs.ts';

export type LookDeps = {
  catalog: string;
  pictureQueries: Pick<PictureQueryRepository, 'add' | 'collect' | 'leave'>;
  queue: Pick<JobQueue, 'add' | 'withdraw'>;
};

/** Longest wait for a worker's answer, ms. */
export const PICTURE_MS = 5000;
/** Pictures of all catalogs that wait for a worker; one more is refused. */
const MOST_WAITING = 16;
/** Pauses between two looks for the answer, ms: each is longer than the one before. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 50;
const RETRY_AFTER_SECONDS = 2;

/**
 * A picture's vector of one version, by a worker.
 * @param patienceMs longest wait for it
 * @throws SimiliError IMAGE_UNREADABLE, IMAGE_TOO_LARGE, IMAGE_TIMEOUT, IMAGE_FORBIDDEN, IMAGE_UNREACHABLE: what is wrong with it;
 * PICTURES_BUSY, PICTURES_UNAVAILABLE, DEADLINE_EXCEEDED
 */
export async function lookAtPicture(
  deps: LookDeps,
  modelId: string,
  picture: AskedPicture,
  patienceMs = PICTURE_MS,
): Promise<Float32Array> {
  const { catalog, pictureQueries, queue } = deps;
  const id = randomUUID();
  const patience = { mostWaiting: MOST_WAITING, patienceSeconds: patienceMs / 1000 };
  if (!(await pictureQueries.add(id, modelId, picture, patience))) throw busy();
  try {
    await queue.add('picture', { catalog, id }, id);
    return vectorIn((await answerOf(deps, id, patienceMs)) ?? (await whyNot(deps, id, patienceMs / 1000)));
  } catch (error) {
    // Whatever failed, or whoever left: nobody waits for it now.
    await whoeverLeaves(() => pictureQueries.leave(id, 0)).catch(() => {});
    throw error;
  }
}

/** Null: none came in time. */
async function answerOf({ pictureQueries }: LookDeps, id: string, patienceMs: number): Promise<PictureAnswer | null> {
  const endsAt = performance.now() + patienceMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
    await sleep(pause);
    const answer = await pictureQueries.collect(id);
    if (answer || performance.now() >= endsAt) return answer;
  }
}

async function whyNot({ pictureQueries, queue }: LookDeps, id: string, seconds: number): Promise<never> {
  const { taken, busy: areBusy } = await pictureQueries.leave(id, seconds);
  if (taken) throw new SimiliError('DEADLINE_EXCEEDED', { seconds });
  await queue.withdraw('picture', id);
  if (areBusy) throw busy();
  throw new SimiliError('PICTURES_UNAVAILABLE', { why: `no worker took it within ${seconds} s` });
}

const busy = (): SimiliError => new SimiliError('PICTURES_BUSY', { retryAfter: RETRY_AFTER_SECONDS });

/** Codes that a worker answers with. */
const CODES = [
  'IMAGE_UNREADABLE',
  'IMAGE_TOO_LARGE',
  'IMAGE_TIMEOUT',
  'IMAGE_FORBIDDEN',
  'IMAGE_UNREACHABLE',
  'PICTURES_UNAVAILABLE',
] as const;

function vectorIn(answer: PictureAnswer): Float32Array {
  if ('vector' in answer) return answer.vector;
  const code = CODES.find((one) => one === answer.code);
  if (!code) throw new Error(`A worker answered a picture with ${answer.code}`);
  throw new SimiliError(code, answer.facts as never);
}
