/** Progress of one piece of work, shown by whoever started it. `done` counts up to the total that was named. */
export type Progress = { update(done: number): void; stop(): void };

/** Begins to show the progress of a piece of work. `total` 0: how much there is to do is not known. */
export type ShowProgress = (label: string, total: number) => Progress;
