/**
 * Forgets what this node keeps of a deleted key as its acceptor, together with the tombstone: one batch deletes both and raises
 * the ballot floor of the partition (rule: core/paxos/acceptor.ts, decideCollect). Before that it says whether it may come to that:
 * it has to vote on the key as on any other, and to have accepted and promised nothing but the ballot under which the tombstone was
 * chosen by all.
 *
 * It remembers by whom. If one of the voters has lost its store meanwhile, which then begins with the floors of the others, nothing
 * is collected any more: it may have asked for the floors already.
 */
import { decodeCheckedRecord } from '../../codec/record-codec.ts';
import type { EntryName } from '../../core/ids.ts';
import type { ReapEntry } from '../../core/message.ts';
import { decideCollect, hasVote } from '../../core/paxos/acceptor.ts';
import type { Ballot } from '../../core/paxos/ballot.ts';
import type { Voters } from '../../core/paxos/messages.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { Standing } from './acceptor.ts';
import type { AcceptorStore, Collect, StoredState } from './acceptor-store.ts';
import type { Floors } from './floors.ts';
import type { IncarnationSource } from './incarnation.ts';
import type { RecordStore } from './record-store.ts';

export interface CollectionPorts {
  readonly records: RecordStore;
  readonly acceptors: AcceptorStore;
  readonly floors: Floors;
  readonly incarnations: IncarnationSource;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly standingOn: (entry: EntryName) => Standing;
}

/**
 * `not-voted-on`: no round has ever reached the key here. `kept`: what is kept of it must stay. Else it may be collected, as long as
 * just these vote.
 */
export type Collectable =
  | { readonly type: 'not-voted-on' }
  | { readonly type: 'kept' }
  | { readonly type: 'collectable'; readonly voters: Voters };

export class Collection {
  readonly #ports: CollectionPorts;

  constructor(ports: CollectionPorts) {
    this.#ports = ports;
  }

  /** In the key's serial section. Rejects if the store cannot be read. */
  async look(entry: EntryName, chosenAt: Ballot | undefined): Promise<Collectable> {
    const { acceptors, standingOn } = this.#ports;
    if (!(await acceptors.has(entry))) return { type: 'not-voted-on' };
    const state = chosenAt === undefined ? undefined : await this.#stateOf(entry);
    const standing = standingOn(entry);
    if (state === undefined || standing.type === 'no-voter') return { type: 'kept' };
    if (standing.isNewcomer || !hasVote(state, standing)) return { type: 'kept' };
    const isUntouched = state.promised === chosenAt && state.accepted === chosenAt;
    return isUntouched ? { type: 'collectable', voters: standing.voters } : { type: 'kept' };
  }

  /** In the key's serial section: see Collect. Rejects if the store cannot be read. */
  async prepare(
    { bucket, key, chosenAt }: ReapEntry,
    encoded: Uint8Array,
    voters: Voters,
  ): ReturnType<Collect> {
    const { records, acceptors, floors, incarnations, clock, standingOn } = this.#ports;
    const entry = { bucket, key };
    const state = await this.#stateOf(entry);
    const standing = standingOn(entry);
    if (chosenAt === undefined || state === undefined || standing.type === 'no-voter') return undefined;
    if (standing.voters !== voters || !hasVote(state, standing)) return undefined;
    const { store, isNewcomer } = standing;
    const partition = records.partitionOf(entry);
    const record = decodeCheckedRecord(encoded);
    const { floor } = decideCollect(
      { state, record },
      { type: 'collect', ballot: chosenAt, object: record },
      {
        ...{ voters, store, isNewcomer, incarnation: incarnations.opening, nowMs: clock.wallMs() },
        floor: floors.of(partition),
      },
    );
    if (floor === undefined) return undefined;
    return () => {
      this.#ports.tracer.trace({ type: 'key-collected', bucket, key });
      return [...acceptors.forget(entry), ...floors.raise({ partition, floor })];
    };
  }

  /** Undefined also if it is damaged: then it is not known what is to be forgotten. */
  async #stateOf(entry: EntryName): Promise<StoredState | undefined> {
    try {
      return await this.#ports.acceptors.get(entry);
    } catch {
      return undefined;
    }
  }
}
