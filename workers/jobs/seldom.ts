import type { SettingRepository } from 'simili/internal/db/settings';
import { sparingly } from 'simili/internal/remembered';
import type { WorkerContext } from '../context.ts';

type Work = (context: WorkerContext) => Promise<void>;

/**
 * The same work of a catalog, which rests there for twenty times as long as it took: over much feedback it takes a twentieth of a session's time at most, however many
 * workers take turns. By the database's clock; one that was put back holds up nobody.
 * @param name of the work: the setting under which all processes are told until when it rests
 * @param everySeconds how often it is begun: a rest that is shorter is over by then
 */
export function seldom(name: string, everySeconds: number, work: Work): Work {
  const key = `${name} rests`;
  return async (context) => {
    const { settings, clock } = context.repositories;
    const since = clock.now().getTime();
    if (await rests(settings, key, since)) return;
    await work(context);
    const from = clock.now().getTime();
    const rest = sparingly(from - since);
    if (rest > 1000 * everySeconds) await settings.set(key, JSON.stringify({ from, until: from + rest }));
  };
}

async function rests(settings: Pick<SettingRepository, 'get'>, key: string, now: number): Promise<boolean> {
  const text = await settings.get(key);
  if (text === null) return false;
  const { from, until } = JSON.parse(text) as { from: number; until: number };
  return from <= now && now < until;
}
