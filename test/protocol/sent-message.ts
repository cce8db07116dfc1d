/** A message between two nodes as it left. */
import { decodeMessage, type PeerMessage } from '../../src/codec/message-codec.ts';
import { FormatError } from '../../src/codec/packer.ts';

export interface SentMessage {
  readonly from: string;
  readonly to: string;
  readonly message: PeerMessage;
}

/** Undefined for a piece of a longer message, and for bytes that are none. */
export function messageIn(frame: Uint8Array): PeerMessage | undefined {
  try {
    return decodeMessage(new Uint8Array(frame));
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
