import type { Response } from 'express';

/**
 * Calls back once a request is over: answered, or its connection closed; at once where it is. What waited before it asks may have missed the end, and the
 * answer to one that came behind another on its connection is never told of an end that comes before its turn.
 */
export function whenOver(res: Response, then: () => void): void {
  const { socket } = res.req;
  if (res.closed || socket.destroyed) {
    then();
    return;
  }
  const over = (): void => {
    res.off('close', over);
    socket.off('close', over);
    then();
  };
  res.on('close', over);
  socket.on('close', over);
}
