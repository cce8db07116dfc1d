/**
 * Minting: which dot a new write gets, and what record the write makes.
 *
 * Invariant A: an entry (a, n) in a record's context claims that every event that actor a issued for this key up to n
 * was seen. So a node may issue (a, n+1) only if its durable record holds, or has superseded, everything that a ever
 * issued for that key. A replica that forgot a key cannot know that; hence the rule "when in doubt be somebody else":
 *
 * - the local record has an entry of this very incarnation: continue the counter of its highest epoch;
 * - there is none, or no record at all: open a new epoch, and start at 1;
 * - what comes in (a client's token, a peer's record) is ahead of the local record on this very incarnation: the local
 *   store lost something, so take a new incarnation before anything else. Otherwise a fresh dot could be born covered.
 *
 * Rejected: a counter per node without epochs (a forgotten key re-issues covered dots), and epochs without incarnations
 * (a disk that was rolled back re-issues epochs).
 */
import { actorId, epochOf, incarnationOf, type Dot } from './dot.ts';
import {
  actorsOf,
  type CausalContext,
  coversActor,
  EMPTY_CONTEXT,
  highestCounter,
  withDot,
} from './causal-context.ts';
import type { ActorId, Incarnation } from '../ids.ts';
import { contextDigest } from './context-digest.ts';
import type { KeyRecord, RememberedWrite, SiblingContent } from './record.ts';

/** The next dot of this incarnation for a key. `openEpoch` allocates a number that this incarnation never used. */
export function mintDot(
  local: KeyRecord | undefined,
  incarnation: Incarnation,
  openEpoch: () => number,
): Dot {
  const current = local === undefined ? undefined : highestEpochOf(local.context, incarnation);
  if (local === undefined || current === undefined)
    return { actor: actorId(incarnation, openEpoch()), counter: 1 };
  return { actor: current, counter: highestCounter(local.context, current) + 1 };
}

/** Whether `incoming` knows events of this incarnation that `local` does not: proof that the local store lost something. */
export function isAheadOn(
  incarnation: Incarnation,
  incoming: CausalContext,
  local: KeyRecord | undefined,
): boolean {
  const known = local?.context ?? EMPTY_CONTEXT;
  for (const actor of actorsOf(incoming)) {
    if (incarnationOf(actor) === incarnation && !coversActor(known, incoming, actor)) return true;
  }
  return false;
}

export interface NewWrite {
  readonly dot: Dot;
  readonly content: SiblingContent;
  /** What the client had seen; undefined for a blind write. */
  readonly seen: CausalContext | undefined;
  readonly writtenAtMs: number;
  readonly identity: { readonly id: string; readonly requestDigest: string } | undefined;
  readonly n: number;
  /** Whether the coordinator saw no live value before this write. */
  readonly created: boolean;
}

/** The record that holds just this write; joined into the local record it supersedes exactly what the client had seen. */
export function recordOfWrite(write: NewWrite): KeyRecord {
  const { dot, content, seen, writtenAtMs, identity, n } = write;
  return {
    siblings: [{ dot, content, writtenAtMs, writeId: identity?.id }],
    context: withDot(seen ?? EMPTY_CONTEXT, dot),
    writes: identity === undefined ? [] : [rememberedWrite(identity, write)],
    largestN: n,
  };
}

function rememberedWrite(
  { id, requestDigest }: NonNullable<NewWrite['identity']>,
  { dot, seen, writtenAtMs, created }: NewWrite,
): RememberedWrite {
  return { id, dot, requestDigest, seenDigest: contextDigest(seen ?? EMPTY_CONTEXT), writtenAtMs, created };
}

function highestEpochOf(context: CausalContext, incarnation: Incarnation): ActorId | undefined {
  let highest: ActorId | undefined;
  for (const actor of actorsOf(context)) {
    if (incarnationOf(actor) !== incarnation) continue;
    if (highest === undefined || epochOf(actor) > epochOf(highest)) highest = actor;
  }
  return highest;
}
