import { SimiliError } from 'simili/internal/errors';

/** @param resolved whether what the name of its host resolves to is the reason, and not the address as it stands */
export const forbidden = (source: string, why: string, resolved = false) =>
  new SimiliError('IMAGE_FORBIDDEN', { source, why, resolved });
export const notPublic = (address: string) => `${address} is not a public address`;
export const unreadable = (source: string, why: string) => new SimiliError('IMAGE_UNREADABLE', { source, why });
/** @param wait seconds until the host may be asked again; `asked`: whether it was asked now. */
export const unreachable = (source: string, why: string, wait: { seconds?: number; asked?: boolean } = {}) =>
  new SimiliError('IMAGE_UNREACHABLE', {
    source,
    why,
    retryAfterSeconds: wait.seconds ?? 0,
    asked: wait.asked ?? true,
  });
export const tooLarge = (source: string, maxBytes: number) =>
  new SimiliError('IMAGE_TOO_LARGE', { source, why: `more than ${maxBytes} bytes` });

/** Told by the lookup, which does not know the source. */
export class ForbiddenAddress extends Error {
  constructor(address: string) {
    super(notPublic(address));
  }
}

/** Cause of a failed connection, for people. */
export function reasonOf(error: unknown, timeoutMs: number): string {
  const { name, code, message } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError') return `it took over ${timeoutMs / 1000} s`;
  const said: Record<string, string> = {
    ENOTFOUND: 'no such host',
    EAI_AGAIN: 'its name cannot be resolved now',
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection lost',
    UND_ERR_SOCKET: 'connection lost',
    UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  };
  return said[code ?? ''] ?? message;
}
