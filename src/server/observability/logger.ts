import { type DestinationStream, type Logger, pino } from 'pino';
import type { LogLevel } from '../node-settings.ts';

/** Takes whole lines, each with its line end. */
export type LogDestination = DestinationStream;

/** JSON lines on standard output if no destination is given, each with the node's id and an ISO time. */
export function createLogger(level: LogLevel, nodeId: string, destination?: LogDestination): Logger {
  const options = { level, base: { node: nodeId }, timestamp: pino.stdTimeFunctions.isoTime };
  return destination === undefined ? pino(options) : pino(options, destination);
}
