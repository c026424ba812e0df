import { statfsSync } from 'node:fs';

/**
 * Room that must be left for a write to begin, bytes: what a second of writing takes (segments of the log have 16 MiB, the
 * weights of a model about as much), several times over. A database that meets the end of its disk hangs for good.
 */
const MARGIN = 128 * 2 ** 20;
const LOOK_EVERY_MS = 1000;

/** `free`: bytes that are left; `tell`: for the log, once when it gets full and once when there is room again. */
export type Disk = { free(): number; tell(sentence: string): void };

export const diskOf = (dir: string, tell: Disk['tell']): Disk => ({
  free: () => {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  },
  tell,
});

/** Knows whether there is room to write; looks at most once a second. */
export class DiskWatch {
  private full = false;
  private looked = Number.NEGATIVE_INFINITY;
  constructor(
    private readonly disk: Disk,
    private readonly now: () => number,
  ) {}

  isFull(): boolean {
    if (this.now() - this.looked < LOOK_EVERY_MS) return this.full;
    this.looked = this.now();
    const free = this.disk.free();
    const full = free < MARGIN;
    if (full !== this.full)
      this.disk.tell(full ? sayFull(free) : 'There is room on the disk again: writes are accepted');
    this.full = full;
    return full;
  }
}

const sayFull = (free: number): string =>
  `The disk of the embedded database has ${Math.floor(free / 2 ** 20)} MiB left: until it has ${MARGIN / 2 ** 20}, writes are refused (STORAGE_FULL) and reads go on`;
