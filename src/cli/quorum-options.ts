/** The options that say how many replicas a request needs and how long it may take. */
import type { Command } from 'commander';
import { CONSISTENCY_PRESETS, HEADERS } from '../api/headers.ts';
import { headerText, positiveInteger } from './option-values.ts';

/** As commander reads them. */
export interface QuorumOptions {
  readonly n?: number;
  readonly r?: number;
  readonly w?: number;
  readonly consistency?: string;
}

/** Adds `-n`, `-r`, `-w` and `--consistency`. */
export function addQuorumOptions(command: Command): Command {
  return command
    .option('-n <count>', 'copies of the key (default: as its bucket)', positiveInteger)
    .option('-r <count>', 'replicas that must answer a read', positiveInteger)
    .option('-w <count>', 'replicas that must store a write', positiveInteger)
    .option('--consistency <preset>', `preset for -r and -w: ${CONSISTENCY_PRESETS.join(', ')}`, headerText);
}

/** The request headers for the options that were given. */
export function quorumHeaders(options: QuorumOptions): Readonly<Record<string, string>> {
  return {
    ...(options.n === undefined ? {} : { [HEADERS.n]: String(options.n) }),
    ...(options.r === undefined ? {} : { [HEADERS.r]: String(options.r) }),
    ...(options.w === undefined ? {} : { [HEADERS.w]: String(options.w) }),
    ...(options.consistency === undefined ? {} : { [HEADERS.consistency]: options.consistency }),
  };
}
