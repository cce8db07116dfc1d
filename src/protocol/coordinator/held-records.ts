/** What the nodes that a read asked hold, as far as they have said, and what that comes to. */
import {
  decodeCheckedRecord,
  decodeRecord,
  encodeRecord,
  recordDigest,
  sameBytes,
} from '../../codec/record-codec.ts';
import { joinRecords } from '../../core/causality/join.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import type { ReadReply } from '../../core/message.ts';
import type { ReplicaResult } from '../../core/outcome.ts';
import type { NoReply } from '../replica/replicas.ts';

/** What was found where, when no more answers come: what read repair starts from. */
export interface SettledRead {
  readonly entry: EntryName;
  /** Encoded. */
  readonly joined: Uint8Array;
  /** Home replicas that answered and hold something else than the join. */
  readonly behind: readonly NodeId[];
}

/** What one replica holds: its encoded record, or undefined if it holds nothing. */
export type Held = Uint8Array | undefined;

export class HeldRecords {
  readonly #entry: EntryName;
  readonly #self: NodeId;
  readonly #held = new Map<NodeId, Held>();
  readonly #decoded = new Map<NodeId, KeyRecord>();

  #hasUnfinishedRound = false;

  constructor(entry: EntryName, self: NodeId) {
    this.#entry = entry;
    this.#self = self;
  }

  /** Whether one of those that hold something, or nothing, has accepted what is not known to be chosen. */
  get hasUnfinishedRound(): boolean {
    return this.#hasUnfinishedRound;
  }

  /** How many nodes have said what they hold. */
  get told(): number {
    return this.#held.size;
  }

  haveTold(nodes: readonly NodeId[]): boolean {
    return nodes.every((node) => this.#held.has(node));
  }

  of(node: NodeId): Held {
    return this.#held.get(node);
  }

  /** Keeps what a node answered; `known`: the record whose digest it was asked about. Answers how it counts. */
  keep(node: NodeId, reply: ReadReply | NoReply, known: Held): ReplicaResult {
    if ('hasUnfinishedRound' in reply) this.#hasUnfinishedRound = true;
    switch (reply.type) {
      case 'found':
        return this.#keepFound(node, reply.record);
      case 'same':
        this.#held.set(node, known);
        return 'ok';
      case 'absent':
        this.#held.set(node, undefined);
        return 'not-found';
      case 'recovering':
        return this.#keepRecovering(node, reply.record);
      case 'unreadable':
        return 'unreadable';
      case 'no-reply':
        return reply.result;
    }
  }

  /** All that was found, together; undefined if nothing was. */
  join(): KeyRecord | undefined {
    let joined: KeyRecord | undefined;
    for (const record of this.#decoded.values()) {
      joined = joined === undefined ? record : joinRecords(joined, record);
    }
    return joined;
  }

  /**
   * Undefined if all hold the same, or nobody anything. A node is behind only if the record belongs to it: a fallback is not
   * to hold what it does not, nor is a home replica of this read's N that the record was never written to.
   */
  differences(homes: readonly NodeId[]): SettledRead | undefined {
    if (this.#decoded.size === 0 || this.#areEqual()) return undefined;
    const joined = this.join();
    if (joined === undefined) return undefined;
    const encoded = encodeRecord(this.#entry, joined);
    const digest = recordDigest(encoded);
    const owners = homes.slice(0, joined.largestN);
    const behind = [...this.#held].filter(
      ([node, held]) =>
        owners.includes(node) && (held === undefined || !sameBytes(recordDigest(held), digest)),
    );
    return { entry: this.#entry, joined: encoded, behind: behind.map(([node]) => node) };
  }

  #areEqual(): boolean {
    const [first, ...others] = this.#held.values();
    return others.every((held) => held === first || isSame(held, first));
  }

  /** What it has got back is worth joining, and that it has not got back the rest worth repairing; it counts for nothing. */
  #keepRecovering(node: NodeId, encoded: Held): 'recovering' | 'unreadable' {
    if (encoded === undefined) this.#held.set(node, undefined);
    else if (this.#keepFound(node, encoded) === 'unreadable') return 'unreadable';
    return 'recovering';
  }

  /** What cannot be decoded is as good as unreadable. */
  #keepFound(node: NodeId, encoded: Uint8Array): 'ok' | 'unreadable' {
    try {
      // What the own replica gives it has just checked.
      const isOwn = node === this.#self;
      const record = isOwn ? decodeCheckedRecord(encoded) : decodeRecord(this.#entry, encoded);
      this.#decoded.set(node, record);
    } catch {
      return 'unreadable';
    }
    this.#held.set(node, encoded);
    return 'ok';
  }
}

function isSame(left: Held, right: Held): boolean {
  return left !== undefined && right !== undefined && sameBytes(recordDigest(left), recordDigest(right));
}
