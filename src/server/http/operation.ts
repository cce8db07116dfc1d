/** What the handlers of one entry share: where it lives, how it is configured, how long it may take. */
import { bucketConfig, type BucketConfig, type ClusterConfig } from '../../core/cluster-config.ts';
import type { EntryName } from '../../core/ids.ts';
import type { StorageNode } from '../../protocol/storage-node.ts';
import { didYouMean } from '../did-you-mean.ts';
import type { Exchange } from './exchange.ts';
import { Problem } from './problem.ts';

/** What the entry handlers work with. */
export interface EntryService {
  readonly node: StorageNode;
  readonly config: ClusterConfig;
  /** Throws `no-space` while the disk is below its reserve. */
  readonly refuseIfFull: () => void;
}

/** The properties of an entry's bucket. */
export function bucketOf(service: EntryService, entry: EntryName): BucketConfig {
  return bucketConfig(service.config, entry.bucket);
}

/** Milliseconds left of a request's deadline. */
export function timeLeftMs(exchange: Exchange, timeoutMs: number): number {
  return timeoutMs - (performance.now() - exchange.startedMs);
}

/**
 * The query parameters, all of them known ones. An unknown one is refused: often it is a `?` of the key that was not
 * encoded, and another key would be meant.
 */
export function knownQuery(query: string, known: readonly string[]): URLSearchParams {
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (known.includes(name)) continue;
    throw new Problem(
      'bad-request',
      `There is no query parameter "${name}" here.${didYouMean(name, known)}`,
      {
        hint: 'A "?" that belongs to a key is written %3F.',
      },
    );
  }
  return parameters;
}

/** A part of the contract that is not built yet: refused, and never done as something less. */
export function notImplemented(what: string): Problem {
  return new Problem('not-implemented', `${what} is not built yet. Nothing was done.`);
}
