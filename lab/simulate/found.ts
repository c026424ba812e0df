import { SimiliError } from 'simili/internal/errors';
import { type Ask, makeAsk } from './client.ts';
import { type ByRole, byRole, groupsOf, type Role } from './roles.ts';
import { asAdmin } from './training.ts';

/** A simulation's visitors: how many there were, and how many of them are in quarantine now; null: the admin API was not asked. */
export type Visitors = { run: string; came: Groups; quarantined: Groups | null };
type Groups = ReturnType<typeof groupsOf>;

const QUARANTINES = `query Quarantines($after: ID) { feedbackQuarantines(first: 500, after: $after) { id visitorId releasedAt } }`;
type Row = { id: string; visitorId: string | null; releasedAt: string | null };
const PAGE = 500;

/** Id of a visitor. Nobody reads the role in it but `quarantinedOf`. */
export const visitorId = (run: string, role: Role, number: number): string => `simulated-${run}-${role}-${number}`;

/** Visitors of a run who are in quarantine, by role: each once, whoever put them there. */
export async function quarantinedOf(ask: Ask, run: string): Promise<ByRole> {
  const found = new Set<string>();
  for (let after: string | null = null; ; ) {
    const { feedbackQuarantines: rows }: { feedbackQuarantines: Row[] } = await ask(QUARANTINES, { after });
    for (const { visitorId: id, releasedAt } of rows) if (id !== null && releasedAt === null) found.add(id);
    if (rows.length < PAGE) break;
    after = rows.at(-1)!.id;
  }
  return byRole((role) => [...found].filter((id) => id.startsWith(visitorId(run, role, 0).slice(0, -1))).length);
}

/** The text that `--found` takes: the run and how many shoppers, bots and visitors of a farm it had. */
export const ticketOf = ({ run, came }: Visitors): string =>
  [run, came.shoppers, came.bots, came.farm].map(String).join(':');

/**
 * Tells who of an earlier simulation is in quarantine by now.
 * @param ticket as that simulation printed it
 * @throws SimiliError INVALID_ARGUMENT: it is none, or the key is missing or wrong; SERVER_UNREACHABLE, SERVER_REFUSED.
 */
export async function whoIsFound(
  ticket: string,
  { url, adminKey, catalog }: { url: string; adminKey: string | undefined; catalog?: string | undefined },
): Promise<Visitors> {
  const [run = '', ...counts] = ticket.split(':');
  if (!/^[\w-]+$/.test(run) || counts.length !== 3 || !counts.every((count) => /^\d{1,9}$/.test(count)))
    throw refused(`must be what a simulation printed, like 3f2a:950:40:10, not ${JSON.stringify(ticket)}`);
  if (adminKey === undefined) throw refused('needs the key: give --admin-key (or SIMILI_ADMIN_KEY)');
  const [shoppers, bots, farm] = counts.map(Number) as [number, number, number];
  const admin = { url: `${url}/admin/graphql` };
  const ask = makeAsk({ ...admin, key: adminKey, catalog });
  const quarantined = groupsOf(await asAdmin(admin, () => quarantinedOf(ask, run)));
  return { run, came: { shoppers, bots, farm }, quarantined };
}

const refused = (why: string) => new SimiliError('INVALID_ARGUMENT', { argument: '--found', why });

/** Sentence of how many of whom are in quarantine, the truth beside what was found; without the admin API, of who came. */
export function describeVisitors({ came, quarantined }: Visitors): string {
  const parts = [
    ['shoppers', came.shoppers, quarantined?.shoppers],
    ['bots', came.bots, quarantined?.bots],
    ['of the farm', came.farm, quarantined?.farm],
  ] as const;
  const told = parts.filter(([name, count]) => name === 'shoppers' || count > 0);
  if (!quarantined) return `Visitors: ${told.map(([name, count]) => `${count} ${name}`).join(', ')}`;
  return `In quarantine: ${told.map(([name, count, found]) => `${found} of ${count} ${name}`).join(', ')}`;
}
