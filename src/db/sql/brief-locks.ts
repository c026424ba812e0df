import { setTimeout as sleep } from 'node:timers/promises';
import type { PrismaClient } from '../../generated/prisma/client.ts';
import { rows, text } from './row.ts';

/** A moment, ms: as long may somebody wait who asks for the same table meanwhile. */
const MOMENT_MS = 200;
/**
 * Longest waits for a lock, ms, one try after the other. Only for whoever waits longer than `deadlock_timeout` (1 s) does Postgres end an automatic
 * vacuum, which else keeps a large table for hours.
 */
export const LOCK_MS = [MOMENT_MS, MOMENT_MS, MOMENT_MS, MOMENT_MS, 1500];
/** Pause in which those who waited behind are let pass, ms. */
export const PAUSE_MS = 300;
/** Some three minutes in all. */
const TRIES = 240;
/** For what can as well be done later. */
export const A_FEW = 3;

/**
 * A statement whose locks others wait behind, so that nobody waits for long. A table that refers to the products cannot be made, or dropped, without a lock on
 * these, which everybody reads: while that waits for one long transaction, whoever comes later waits behind it. So it waits for a moment, lets them pass,
 * and tries again, for some three minutes. Then it throws lock_not_available (55P03), and the transaction is over.
 *
 * What it has locked stays so until the transaction ends: nothing slow may come after it.
 * @param statement one of SQL, without parameters
 */
export const briefly = (statement: string, tries = TRIES): string => `DO $briefly$
  DECLARE before CONSTANT TEXT := current_setting('lock_timeout');
  BEGIN
    FOR try IN 1..${tries} LOOP
      BEGIN
        PERFORM set_config('lock_timeout', ((ARRAY[${LOCK_MS}])[1 + (try - 1) % ${LOCK_MS.length}])::text, true);
        ${statement};
        PERFORM set_config('lock_timeout', before, true);
        RETURN;
      EXCEPTION WHEN lock_not_available THEN
        IF try = ${tries} THEN RAISE; END IF;
        PERFORM pg_sleep(${PAUSE_MS / 1000});
      END;
    END LOOP;
  END $briefly$`;

/** SQLSTATE lock_not_available: it was tried as often as it may be. */
export const NOT_NOW = '55P03';

/**
 * Whether a transaction that is not over in a moment has read or written the products, and keeps a lock on them: who waits for it in vain has
 * all others wait behind himself.
 */
export async function productsAreHeld(db: PrismaClient): Promise<boolean> {
  const holders = () => rows(db, { transaction: text })`
    SELECT DISTINCT virtualtransaction AS transaction FROM pg_locks
    WHERE relation = 'simili.product'::regclass AND granted AND virtualtransaction IS NOT NULL
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  const before = new Set((await holders()).map(({ transaction }) => transaction));
  if (before.size === 0) return false;
  await sleep(MOMENT_MS);
  return (await holders()).some(({ transaction }) => before.has(transaction));
}

/** Time limit of a transaction with such a statement, ms. */
export const BRIEFLY = { timeout: 300_000 };
