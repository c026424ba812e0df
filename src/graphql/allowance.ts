/** How much the caller of a request may still send. Each throws SimiliError RATE_LIMITED. */
export type Allowance = {
  /** @param events or visitors that are erased */
  feedback(events: number): void;
  /** A picture by its address, which a worker fetches. */
  namedPicture(): void;
};

/** Where a server puts the allowance into the context of a request. A host that puts none there limits its callers itself. */
export const ALLOWANCE = Symbol('simili allowance');

const UNLIMITED: Allowance = { feedback() {}, namedPicture() {} };

export const allowanceOf = (context: unknown): Allowance =>
  (context as { [ALLOWANCE]?: Allowance } | null)?.[ALLOWANCE] ?? UNLIMITED;
