/** What a replica answers to a read, by what was found on its disk. */
import { recordDigest, sameBytes } from '../../codec/record-codec.ts';
import type { ReadReply } from '../../core/message.ts';
import type { Loaded } from './record-loader.ts';

/** What lies there, whether or not there should be more. */
export type HeldReply = Exclude<ReadReply, { type: 'recovering' }>;

/** `known`: digest of a record that is answered by `same`. */
export function heldReply(loaded: Loaded, known: Uint8Array | undefined, hasRound: boolean): HeldReply {
  if (loaded.type === 'unreadable') return { type: 'unreadable', reason: loaded.reason };
  const { encoded } = loaded;
  const reply = plainReply(encoded, known);
  return hasRound ? { ...reply, hasUnfinishedRound: true } : reply;
}

/** Whoever has lost something shows what is left, which counts for nothing. */
export function recovering(reply: HeldReply): ReadReply {
  return { type: 'recovering', record: reply.type === 'found' ? reply.record : undefined };
}

function plainReply(
  encoded: Uint8Array | undefined,
  known: Uint8Array | undefined,
): Extract<HeldReply, { type: 'found' | 'same' | 'absent' }> {
  if (encoded === undefined) return { type: 'absent' };
  const isSame = known !== undefined && sameBytes(recordDigest(encoded), known);
  return isSame ? { type: 'same' } : { type: 'found', record: encoded };
}
