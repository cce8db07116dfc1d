/**
 * The part of a replica that concerns records which it keeps for a home replica that is away: whether it may, and the hint
 * that is written together with the record. Everything here but the first check runs in the record's serial section.
 */
import type { EntryName, NodeId } from '../../core/ids.ts';
import type { StoreReplica } from '../../core/message.ts';
import type { StorageWrite } from '../../ports/storage.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { HintStore } from '../handoff/hint-store.ts';
import type { RecordStore } from './record-store.ts';

export interface StandInPorts {
  readonly self: NodeId;
  readonly records: RecordStore;
  readonly hints: HintStore;
  readonly tracer: Tracer;
}

/** What has to be written with the record; nothing if this node stands in for the owner already, or for nobody. */
export type HintWrites =
  | { readonly type: 'hint'; readonly writes: readonly StorageWrite[] }
  | { readonly type: 'hint-refused'; readonly reason: string };

const NOTHING: HintWrites = { type: 'hint', writes: [] };

export class StandIn {
  readonly #ports: StandInPorts;
  /** Owners whose last new hint was refused. */
  readonly #refused = new Set<NodeId>();

  constructor(ports: StandInPorts) {
    this.#ports = ports;
  }

  /** What a peer says of placement is checked: a hint for a node that the record does not belong to would never go. */
  refusal({ bucket, key, hintFor }: StoreReplica, largestN: number): string | undefined {
    const { self, records } = this.#ports;
    if (hintFor === undefined) return undefined;
    if (hintFor === self) return `${self} does not stand in for itself`;
    const isHome = records.homesOf({ bucket, key }, largestN).includes(hintFor);
    return isHome ? undefined : `${hintFor} is no home replica of this record`;
  }

  /** Whether it is noted already that this node stands in for that owner. Rejects if that cannot be read. */
  async isNoted(entry: EntryName, owner: NodeId): Promise<boolean> {
    return (await this.#ports.hints.find(owner, entry)) !== undefined;
  }

  /** Counts a new hint at once; `bytes` of the record that it is for. */
  writes(
    { bucket, key }: EntryName,
    owner: NodeId | undefined,
    { isNoted, bytes }: { readonly isNoted: boolean; readonly bytes: number },
  ): HintWrites {
    if (owner === undefined || isNoted) return NOTHING;
    const { hints, tracer } = this.#ports;
    const reason = hints.refusal(owner, bytes);
    if (reason === undefined) {
      this.#refused.delete(owner);
      return { type: 'hint', writes: [hints.add(owner, { bucket, key }, { bytes, isStray: false })] };
    }
    tracer.trace({ type: 'hint-refused', owner, reason, isFirst: !this.#refused.has(owner) });
    this.#refused.add(owner);
    return { type: 'hint-refused', reason };
  }

  /** What `writes` gave is durable. */
  noted(owner: NodeId | undefined, writes: readonly StorageWrite[]): void {
    if (owner === undefined || writes.length === 0) return;
    this.#ports.tracer.trace({ type: 'hint-stored', owner });
    this.#ports.hints.stored(owner);
  }
}
