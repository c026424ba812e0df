import type { Random } from '@simili/learning/numbers/random';
import { shuffled } from '@simili/learning/numbers/shuffled';
import { botKinds, farmKinds } from './fakes.ts';

/** Who a visitor of a simulation is. Its id says so; the server does not read that. */
export const roles = ['shopper', ...botKinds, ...farmKinds] as const;
export type Role = (typeof roles)[number];
export type ByRole = Record<Role, number>;
/** Shares of all visitors, 0 to 1; what they leave are shoppers. */
export type FakeShares = { bots: number; farm: number };

/**
 * Roles of the visitors `from` to `from + count - 1`, in an order by chance. Of the first n of a simulation the shares are bots and of a farm, rounded;
 * kinds take turns.
 */
export function rolesOf({ bots, farm }: FakeShares, from: number, count: number, random: Random): Role[] {
  const fakes = [...turn(botKinds, bots, from, count), ...turn(farmKinds, farm, from, count)].slice(0, count);
  const all: Role[] = Array.from({ length: count }, (_, i) => fakes[i] ?? 'shopper');
  return fakes.length === 0 ? all : shuffled(all, random);
}

function turn<T>(kinds: readonly T[], share: number, from: number, count: number): T[] {
  const first = Math.round(share * from);
  return Array.from(
    { length: Math.round(share * (from + count)) - first },
    (_, i) => kinds[(first + i) % kinds.length]!,
  );
}

/** As many of each role as `count` says. */
export const byRole = (count: (role: Role) => number): ByRole =>
  Object.fromEntries(roles.map((role) => [role, count(role)])) as ByRole;

/** Shoppers, bots and visitors of a farm. */
export function groupsOf(counts: ByRole): { shoppers: number; bots: number; farm: number } {
  const sum = (kinds: readonly Role[]) => kinds.reduce((own, kind) => own + counts[kind], 0);
  return { shoppers: counts.shopper, bots: sum(botKinds), farm: sum(farmKinds) };
}
