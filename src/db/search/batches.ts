import { type Deadline, during, inTime, requestTimeLeft } from '../../deadline.ts';

/** Statements of one kind that are on their way at once; what is asked meanwhile waits for one of them. */
const AT_ONCE = 3;
/** The most that are asked together: whoever came first waits for the others' pages, of half a millisecond each, and more save next to nothing. */
export const MOST_TOGETHER = 4;

/** `leave` is called when he waits no longer: before his turn it takes him out of the line. */
type Asker<Item, Result> = {
  readonly item: Item;
  readonly deadline: Deadline;
  resolve(result: Result): void;
  reject(error: unknown): void;
  leave(): void;
};
type Together<Item, Result> = readonly Asker<Item, Result>[];
/** Those who ask for one kind: how many statements are on their way, and who waits for the next, in the order in which they came. */
type Line<Item, Result> = { running: number; isDue: boolean; readonly waiting: Set<Asker<Item, Result>> };

/**
 * Questions of many requests in few statements: those that are alike and come in one turn of the event loop, or wait while others like them are on their way, are asked
 * together (docs/adr/0047-pages-that-wait-are-asked-together.md).
 */
export class Batches<Item, Result> {
  private readonly lines = new Map<string, Line<Item, Result>>();

  /** @param run answers in the order of the items, and asks the database under that deadline */
  constructor(private readonly run: (items: readonly Item[], deadline: Deadline) => Promise<readonly Result[]>) {}

  /**
   * @param kind no two questions of it differ in more than their items
   * @throws what `run` throws; SimiliError DEADLINE_EXCEEDED when that deadline is over, however long the others have
   */
  async ask(kind: string, item: Item, deadline: Deadline): Promise<Result> {
    const left = during(deadline, requestTimeLeft); // a statement has its own limit
    const line = this.lines.get(kind) ?? { running: 0, isDue: false, waiting: new Set() };
    this.lines.set(kind, line);
    let asker!: Asker<Item, Result>;
    const answer = new Promise<Result>((resolve, reject) => {
      asker = { item, deadline, resolve, reject, leave: () => void line.waiting.delete(asker) };
    });
    line.waiting.add(asker);
    this.beginSoon(kind, line);
    return inTime(answer, left, () => asker.leave());
  }

  /** Once what has come in this turn is known. */
  private beginSoon(kind: string, line: Line<Item, Result>): void {
    if (line.isDue || line.running >= AT_ONCE) return;
    line.isDue = true;
    setImmediate(() => {
      line.isDue = false;
      this.begin(kind, line);
    });
  }

  private begin(kind: string, line: Line<Item, Result>): void {
    while (line.running < AT_ONCE && line.waiting.size > 0) {
      const together = [...line.waiting].slice(0, MOST_TOGETHER);
      for (const asker of together) line.waiting.delete(asker);
      line.running++;
      void this.answer(together).finally(() => {
        line.running--;
        this.beginSoon(kind, line);
      });
    }
    if (line.running === 0) this.lines.delete(kind);
  }

  private async answer(together: Together<Item, Result>): Promise<void> {
    try {
      const results = await this.run(
        together.map(({ item }) => item),
        together.length === 1 ? together[0]!.deadline : deadlineOf(together),
      );
      for (const [i, { resolve }] of together.entries()) resolve(results[i]!);
    } catch (error) {
      for (const { reject } of together) reject(error);
    }
  }
}

/** The longest that one of them has, as long as one of them waits. */
function deadlineOf<Item, Result>(together: Together<Item, Result>): Deadline {
  const allLeft = new AbortController();
  let waiting = together.length;
  for (const asker of together)
    asker.leave = () => {
      waiting--;
      if (waiting === 0) allLeft.abort();
    };
  const latest = together.reduce((one, other) => (other.deadline.endsAt > one.deadline.endsAt ? other : one));
  return { ...latest.deadline, clientLeft: allLeft.signal };
}
