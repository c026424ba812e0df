import { setTimeout as pause } from 'node:timers/promises';
import { SimiliError } from 'simili/internal/errors';
import { type Ask, isRefusal } from './client.ts';
import { concurrently } from './concurrently.ts';

/** The held-out products in the order of one anchor's list. */
export type Ranking = { anchor: string; ids: string[] };
export type Rankings = { model: string | null; rankings: Ranking[] };

const LIST = `query Ranking($id: ID!, $after: String) { similarItems(id: $id, first: 50, after: $after) {
  status modelVersionId nodes { id } pageInfo { hasNextPage endCursor } } }`;
type Page = {
  similarItems: {
    status: string;
    modelVersionId: string | null;
    nodes: { id: string }[];
    pageInfo: { hasNextPage: boolean; endCursor: string | null };
  } | null;
};

const AT_ONCE = 6;
const TRIES = 5;
const PAUSE_MS = 500;

/**
 * Walks every page of every anchor's list and keeps the products of `among`. All lists are of one model: when another one
 * is promoted in between, it starts again.
 * @throws SimiliError SERVER_REFUSED MODEL_NOT_READY: no model serves; or models change faster than lists can be read.
 */
export async function readRankings(
  ask: Ask,
  url: string,
  anchors: readonly string[],
  among: ReadonlySet<string>,
  onDone: (done: number) => void,
): Promise<Rankings> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const lists = await concurrently(anchors, AT_ONCE, (id) => readList(ask, url, id, among), onDone);
    const models = new Set(lists.flatMap(({ model }) => model ?? []));
    if (models.size <= 1) return { model: [...models][0] ?? null, rankings: lists };
    await pause(PAUSE_MS * attempt);
  }
  throw new SimiliError('SERVER_REFUSED', {
    url,
    code: 'CURSOR_RETIRED',
    why: 'the model changed during every measurement',
  });
}

async function readList(ask: Ask, url: string, anchor: string, among: ReadonlySet<string>) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await walk(ask, url, anchor, among);
    } catch (error) {
      // The version of the first page was retired on the way: begin again in the one that serves now.
      if (!isRefusal(error, 'CURSOR_RETIRED') || attempt === TRIES) throw error;
    }
  }
}

async function walk(ask: Ask, url: string, anchor: string, among: ReadonlySet<string>) {
  const ids = new Set<string>();
  let model: string | null = null;
  for (let after: string | null = null; ; ) {
    const { similarItems: page }: Page = await ask<Page>(LIST, { id: anchor, after });
    if (!page || page.status === 'MODEL_NOT_READY') throw notReady(url);
    model ??= page.modelVersionId;
    for (const { id } of page.nodes) if (id !== anchor && among.has(id)) ids.add(id);
    if (!page.pageInfo.hasNextPage) return { anchor, model, ids: [...ids] };
    after = page.pageInfo.endCursor;
  }
}

const notReady = (url: string) =>
  new SimiliError('SERVER_REFUSED', {
    url,
    code: 'MODEL_NOT_READY',
    why: 'no model serves yet, try again when one does',
  });
