import type { ErrorCode } from 'simili/internal/errors';

export type HostOptions = {
  /** Named in errors, e.g. "the picture decoder". */
  label: string;
  /** Niceness of the child, 0 to 19; default 10, so that answering requests goes first. */
  nice?: number;
  /** Limit of the child's JavaScript heap, MiB. */
  maxOldSpaceMb?: number;
  /**
   * The most memory that the child may hold, MiB; at least 256. Past it the child is ended and the calls that it was
   * working on reject with a DOMException 'QuotaExceededError'. See memory.ts for how, and for where the system helps.
   */
  maxMemoryMb?: number;
  /**
   * The child works on one call after the other, in order. The time limit of a call then begins with its turn, and when
   * the child ends the calls whose turn had not come reject with `NotBegun`: they have no part in that.
   */
  serial?: boolean;
  /** Ends the child after a call that failed with one of these: what it met is remembered in it, a new one looks again. */
  endsAfter?: readonly ErrorCode[];
  /** The child's whole environment; default: the parent's. */
  env?: Record<string, string>;
};

export type CallOptions = {
  /**
   * On abort the child is told and has 2 s to answer; then it is killed. A result that the child still answers is
   * delivered; otherwise the call rejects with the signal's reason.
   */
  signal?: AbortSignal | undefined;
  /**
   * Longest work, as work-time.ts counts it, from when the child is up and, in a serial one, the call's turn has come. Past it
   * the child is killed and the call rejects with a DOMException 'TimeoutError'.
   */
  timeoutMs?: number;
  /** Gets everything the method passes to `run.event`, in order, before the call ends. */
  onEvent?: (data: unknown) => void;
};

/** A call that waited in a child that ended over another one: nothing is known of it, another child may take it. */
export class NotBegun extends Error {}

export const isTimeout = (error: unknown): boolean => isNamed(error, 'TimeoutError');
export const isOverMemory = (error: unknown): boolean => isNamed(error, 'QuotaExceededError');

const isNamed = (error: unknown, name: string): boolean => error instanceof DOMException && error.name === name;
