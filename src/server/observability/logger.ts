import { type Logger, pino } from 'pino';
import type { LogLevel } from '../node-settings.ts';

/** JSON lines on standard output, each with the node's id and an ISO time. */
export function createLogger(level: LogLevel, nodeId: string): Logger {
  return pino({ level, base: { node: nodeId }, timestamp: pino.stdTimeFunctions.isoTime });
}
