export type HostOptions = {
  /** Named in errors, e.g. "the picture decoder". */
  label: string;
  /** Niceness of the child, 0 to 19; default 10, so that answering requests goes first. */
  nice?: number;
  /** Limit of the child's JavaScript heap, MiB. */
  maxOldSpaceMb?: number;
  /** The child's whole environment; default: the parent's. */
  env?: Record<string, string>;
};

export type CallOptions = {
  /**
   * On abort the child is told and has 2 s to answer; then it is killed. A result that the child still answers is
   * delivered; otherwise the call rejects with the signal's reason.
   */
  signal?: AbortSignal | undefined;
  /** From when the child is up. Past it the child is killed and the call rejects with a DOMException 'TimeoutError'. */
  timeoutMs?: number;
  /** Gets everything the method passes to `run.event`, in order, before the call ends. */
  onEvent?: (data: unknown) => void;
};
