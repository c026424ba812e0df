import type { Response } from 'express';

/** An answer in GraphQL's shape from outside of it. */
export function refuse(res: Response, status: number, message: string, extensions: object): void {
  res.status(status).json({ errors: [{ message, extensions }] });
}
