import { expect, test } from 'vitest';
import { startChores } from '../../../../workers/jobs/chores.ts';
import { fakeLog } from '../../../support/api.ts';

/** Turns that are always there, and a way to wait for what was done. */
function desk() {
  const { log, entries } = fakeLog();
  const done: string[] = [];
  const seen = new Set<() => void>();
  return {
    done,
    entries,
    deps: { log, installation: { takeTurn: async () => true } },
    do(name: string) {
      done.push(name);
      for (const look of seen) look();
    },
    until: (met: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => met() && resolve();
        seen.add(look);
        look();
      }),
  };
}

test('a chore comes again and again, also after it failed, and that is told', async () => {
  const { deps, done, entries, until, ...it } = desk();
  const fails = async () => {
    it.do('fails');
    throw new Error('the database is away');
  };
  const close = startChores(
    deps,
    [
      { name: 'fails', everySeconds: 1, work: fails },
      { name: 'works', everySeconds: 1, work: async () => it.do('works') },
    ],
    1,
  );
  await until(() => ['fails', 'works'].every((name) => done.filter((one) => one === name).length >= 3));
  await close();
  expect(entries[0]).toMatchObject({ level: 'error', facts: { err: { message: 'the database is away' } } });
});

test('whose turn it is not does nothing; an outage of the database ends no schedule', async () => {
  const { deps, until, done, ...it } = desk();
  const turns = [false, new Error('the database is away'), false, true];
  const takeTurn = async () => {
    const turn = turns.shift();
    if (turn instanceof Error) throw turn;
    it.do(`turn ${turn}`);
    return turn ?? false;
  };
  const close = startChores(
    { ...deps, installation: { takeTurn } },
    [{ name: 'x', everySeconds: 1, work: async () => it.do('work') }],
    1,
  );
  await until(() => done.includes('turn undefined'));
  await close();
  expect(done.slice(0, 4)).toEqual(['turn false', 'turn false', 'turn true', 'work']);
  expect(done.filter((one) => one === 'work')).toHaveLength(1);
});

test('closing stops the running chore and waits for it', async () => {
  const { deps, until, done, ...it } = desk();
  const work = async (signal: AbortSignal) => {
    it.do('begun');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    it.do('ended');
  };
  const close = startChores(deps, [{ name: 'long', everySeconds: 1, work }], 1);
  await until(() => done.includes('begun'));
  await close();
  expect(done).toEqual(['begun', 'ended']);
});

test('however many chores wait, Node warns of no leak', async () => {
  const { deps, done, until, ...it } = desk();
  const warnings: string[] = [];
  const hear = ({ name }: Error) => void warnings.push(name);
  process.on('warning', hear);
  const names = Array.from({ length: 20 }, (_, i) => `chore ${i}`);
  const chores = names.map((name) => ({ name, everySeconds: 1, work: async () => it.do(name) }));
  const close = startChores(deps, chores, 1);
  await until(() => names.every((name) => done.filter((one) => one === name).length >= 2));
  await close();
  process.off('warning', hear);
  expect(warnings).toEqual([]);
});
