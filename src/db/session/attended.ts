import pg from 'pg';

/** Facts of a session, its number at the server and where that is; the driver's types leave them out. */
export type Session = {
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly host: string;
  readonly port: number;
};

/**
 * Waits for a statement without a limit as long as its session is there. A server whose machine is gone closes no connection, and the system gives one up after a
 * quarter of an hour, or two hours where it waits for an answer; the server that took its place knows nothing of the session.
 * @param isThere asked every `lookMs` @param gone called where it is not, which ends `work`
 */
export function attended<T>(
  work: Promise<T>,
  lookMs: number,
  isThere: () => Promise<boolean>,
  gone: () => void,
): Promise<T> {
  let isOver = false;
  const look = async () => {
    const goesOn = await isThere();
    if (isOver) return;
    if (goesOn) timer.refresh();
    else gone();
  };
  const timer = setTimeout(() => void look(), lookMs).unref();
  const stop = () => {
    isOver = true;
    clearTimeout(timer);
  };
  work.then(stop, stop);
  return work;
}

/**
 * Whether the server has a session of a client still, as another connection says. Where it cannot be asked, or a pooler in between makes up the numbers, it is
 * taken to have it.
 */
export async function hasSession(config: pg.ClientConfig, { processID }: Pick<Session, 'processID'>): Promise<boolean> {
  const other = new pg.Client(config);
  other.on('error', () => {}); // whoever asks of it is told
  try {
    await other.connect();
    const { processID: own } = other as unknown as Session;
    const text =
      'SELECT pg_backend_pid() <> $1::int OR EXISTS (SELECT FROM pg_stat_activity WHERE pid = $2::int) AS there';
    const { rows } = await other.query<{ there: boolean }>(text, [own, processID]);
    return rows[0]?.there ?? true;
  } catch {
    return true;
  } finally {
    await other.end().catch(() => {});
  }
}
