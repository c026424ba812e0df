import type { ErrorRequestHandler, Response } from 'express';
import { type ErrorCode, SimiliError } from '../errors.ts';

/** An answer in GraphQL's shape from outside of it. */
export function refuse(res: Response, status: number, message: string, extensions: object): void {
  res.status(status).json({ errors: [{ message, extensions }] });
}

const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  INVALID_ARGUMENT: 400,
  TOO_COSTLY: 400,
  DOCUMENT_UNKNOWN: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  CATALOG_UNKNOWN: 404,
  NOT_FOUND: 404,
  IMAGE_TOO_LARGE: 413,
  IMAGE_UNREADABLE: 422,
  IMAGE_TIMEOUT: 422,
};

/** The same of an error of ours, with the status of its code. */
export function refuseFor(res: Response, { code, message, extensions }: SimiliError): void {
  refuse(res, STATUS[code] ?? 400, message, extensions);
}

/** Errors of ours that asking again does not mend; the others are told by the last resort. */
export const tellRefusal: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  const isRefusal = error instanceof SimiliError && STATUS[error.code as ErrorCode] !== undefined;
  if (!isRefusal || res.headersSent) return next(error);
  refuseFor(res, error);
};
