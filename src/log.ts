import { pino } from 'pino';
import type { Config } from './config.ts';

/** The log that modules need: structured facts first, then a sentence. */
export type Log = Pick<import('pino').Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** JSON lines on stderr: stdout belongs to the person at the terminal. */
export const makeLog = (config: Pick<Config, 'LOG_LEVEL'>): Log =>
  pino({ level: config.LOG_LEVEL, base: null }, pino.destination({ fd: 2, sync: true }));
