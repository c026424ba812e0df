import type { Response } from 'express';

/**
 * Calls back once a request is over: answered, or its connection closed; at once where it is. What waited before it asks may have missed the end, and an
 * answer that has not come to its turn on its connection is told of no end.
 */
export function whenOver(res: Response, then: () => void): void {
  const { socket } = res.req;
  if (res.closed || socket.destroyed) {
    then();
    return;
  }
  // An answer that has its connection is told when that closes; listening there as well takes microseconds of every request.
  if (res.socket !== null) {
    res.once('close', then);
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
