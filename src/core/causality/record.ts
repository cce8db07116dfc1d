/**
 * What a replica holds for one key. Records form a join-semilattice (core/causality/join.ts).
 *
 * The context claims, for each dot in it, "I hold this event, or something that had seen it". So a sibling that is in
 * one context but not among its record's siblings has been superseded, and nothing else removes a sibling.
 */
import type { CausalContext } from './causal-context.ts';
import type { Dot } from './dot.ts';

export type SiblingContent =
  | { readonly type: 'value'; readonly contentType: string; readonly bytes: Uint8Array }
  | { readonly type: 'tombstone' };

export interface Sibling {
  readonly dot: Dot;
  readonly content: SiblingContent;
  /** Milliseconds since 1970 by the coordinator's clock; for people, never for ordering. */
  readonly writtenAtMs: number;
  /** The client's name for this write, if it gave one: the identity of the event across retries. */
  readonly writeId: string | undefined;
}

/** One write id that the record remembers, whether its sibling still lives or not, or the write was refused for good. */
export interface RememberedWrite {
  readonly id: string;
  readonly dot: Dot;
  /** Digest of the request's bytes, 16 hex digits: the same id with another digest is a client's mistake (422). */
  readonly requestDigest: string;
  /** Digest of what the client had seen (context-digest.ts): the same id with another one is not the same request. */
  readonly seenDigest: number;
  readonly writtenAtMs: number;
  /** Whether its coordinator saw no live value before it: a retry is answered alike. */
  readonly created: boolean;
}

export interface KeyRecord {
  /** Sorted by dot, each known to the context. Two with one dot are a bug that is kept, for a metric to show it. */
  readonly siblings: readonly Sibling[];
  readonly context: CausalContext;
  /** Of plain writes, and of rounds, at most MAX_WRITE_IDS each; sorted by compareRememberedWrites, newest first. */
  readonly writes: readonly RememberedWrite[];
  /** The largest N this record was written with: repair keeps that many copies. */
  readonly largestN: number;
}
