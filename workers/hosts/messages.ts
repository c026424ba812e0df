import { type ErrorCode, errorCodes, SimiliError } from 'simili/internal/errors';

/** Parent to child. */
export type Request = { kind: 'call'; id: number; method: string; args: unknown } | { kind: 'cancel'; id: number };

/** Child to parent. `ready`: the methods are loaded; a call's time limit starts here. */
export type Reply =
  | { kind: 'ready' }
  | { kind: 'event'; id: number; data: unknown }
  | { kind: 'result'; id: number; value: unknown }
  | { kind: 'failure'; id: number; error: PackedError };

export type PackedError = { code: string; facts: unknown } | { name: string; message: string; stack: string };

const known = new Set<string>(errorCodes.map(({ code }) => code));

/** An error as plain data: a SimiliError by code and facts, anything else by name, message and stack. */
export function packError(error: unknown): PackedError {
  if (error instanceof SimiliError) return { code: error.code, facts: error.facts };
  if (error instanceof Error)
    return {
      name: error.name,
      message: error.message,
      stack: error.stack ?? '',
    };
  return { name: 'Error', message: String(error), stack: '' };
}

/** The error again, as the other process threw it; its stack is the one of the process that threw. */
export function unpackError(packed: PackedError): Error {
  if ('code' in packed) {
    if (!known.has(packed.code)) return new Error(`The other process failed with the unknown code ${packed.code}`);
    return new (SimiliError as new (code: ErrorCode, facts: unknown) => SimiliError)(
      packed.code as ErrorCode,
      packed.facts,
    );
  }
  const error = new Error(packed.message);
  error.name = packed.name;
  if (packed.stack) error.stack = packed.stack;
  return error;
}
