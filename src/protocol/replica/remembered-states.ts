/**
 * What acceptors lately made durable, by key. A round comes to an acceptor three times within milliseconds, and each time what the time before
 * wrote would have to be read, checked and decoded. Only what is on the disk is remembered, and nothing once it is being replaced.
 */
import { MAX_REMEMBERED_STATE_BYTES } from '../../core/limits.ts';
import { EncodedRecord } from '../../codec/encoded-record.ts';
import type { AcceptorState } from '../../core/paxos/acceptor-state.ts';

export class RememberedStates {
  /** The one that was remembered longest ago first. */
  readonly #states = new Map<string, AcceptorState<EncodedRecord>>();
  readonly #capacity: number;

  /** `capacity`: of how many keys it remembers the state. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** `name`: of the key. */
  get(name: string): AcceptorState<EncodedRecord> | undefined {
    return this.#states.get(name);
  }

  /** It is durable now, and nothing else is under way for the key. */
  remember(name: string, state: AcceptorState<EncodedRecord>): void {
    this.#states.delete(name);
    const { object } = state;
    if ((object?.bytes.length ?? 0) > MAX_REMEMBERED_STATE_BYTES) return;
    this.#states.set(name, object === undefined ? state : { ...state, object: copyOf(object) });
    for (const oldest of this.#states.keys()) {
      if (this.#states.size <= this.#capacity) return;
      this.#states.delete(oldest);
    }
  }

  forget(name: string): void {
    this.#states.delete(name);
  }
}

/** It came in a piece of a stream, all of which it would keep alive. */
function copyOf({ bytes, base }: EncodedRecord): EncodedRecord {
  return new EncodedRecord(Uint8Array.from(bytes), base === undefined ? undefined : Uint8Array.from(base));
}
