/** The free space of a node's disk, with what its log and its metrics say of it. */
import type { Logger } from 'pino';
import type { Storage } from '../ports/storage.ts';
import { FreeSpace } from './free-space.ts';
import type { Metrics } from './observability/metrics.ts';

/** Milliseconds between two looks. A disk that fills faster is noticed by the write that fails, which stops the node. */
const INTERVAL_MS = 5_000;

interface WatchOptions {
  readonly storage: Storage;
  /** Bytes; 0 turns the watch off. */
  readonly reserveBytes: number;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Not started yet. */
export function createFreeSpaceWatch({ storage, reserveBytes, metrics, log }: WatchOptions): FreeSpace {
  return new FreeSpace({
    storage,
    reserveBytes,
    intervalMs: INTERVAL_MS,
    onMeasured: (freeBytes) => metrics.freeSpace.set(freeBytes),
    onChange: (isLow, freeBytes) => {
      const facts = { code: isLow ? 'space-low' : 'space-enough', freeBytes, reserveBytes };
      if (isLow) log.warn(facts, 'the disk is below its reserve of free space: writes are refused');
      else log.info(facts, 'the disk has enough free space again: writes are taken');
    },
  });
}
