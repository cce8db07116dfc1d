/**
 * This node's vote in the Paxos rounds of its keys: what core/paxos/acceptor.ts decides, made durable. A decision and what
 * comes of it run in the key's serial section, where plain writes of the record run, too, so no record changes between them.
 * State and record go into one batch of the group commit: no crash leaves a chosen object's bytes in neither of the two.
 *
 * A node that cannot tell what it holds does not vote. It neither refuses nor agrees: it answers nothing that could be counted.
 */
import { EncodedRecord, EncodedRecords } from '../../codec/encoded-record.ts';
import { FormatError } from '../../codec/packer.ts';
import { isAheadOn } from '../../core/causality/mint.ts';
import type { EntryName, NodeId, StoreId } from '../../core/ids.ts';
import { type AcceptorNode, hasVote } from '../../core/paxos/acceptor.ts';
import { NO_STORE, UNTOUCHED } from '../../core/paxos/acceptor-state.ts';
import type { Refusal, Voters } from '../../core/paxos/messages.ts';
import type { PaxosReply, PaxosRequest } from '../../core/paxos/peer-messages.ts';
import type { PeerReply, RequestRefused } from '../../core/message.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { StoreMemory } from '../peers/store-memory.ts';
import type { AcceptorStore, StoredState, VoteLosses } from './acceptor-store.ts';
import { type DecidedVote, decideVote, type Held, objectOf } from './decide-vote.ts';
import type { Floors } from './floors.ts';
import type { IncarnationSource } from './incarnation.ts';
import type { LocalReplica, OnChanged } from './local-replica.ts';
import type { Loaded } from './record-loader.ts';
import type { RecordStore } from './record-store.ts';

/** As whom this node votes on a key, or why it does not. */
export type Standing =
  | {
      readonly type: 'voter';
      readonly voters: Voters;
      /** Of all voters, as `voters` names them. */
      readonly stores: ReadonlyMap<NodeId, StoreId>;
      readonly store: StoreId;
      readonly isNewcomer: boolean;
    }
  | { readonly type: 'no-voter'; readonly reason: string };

export interface AcceptorPorts {
  readonly local: LocalReplica;
  readonly records: RecordStore;
  readonly acceptors: AcceptorStore;
  readonly floors: Floors;
  readonly incarnations: IncarnationSource;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly onChanged: OnChanged;
  readonly standingOn: (entry: EntryName) => Standing;
  readonly losses: VoteLosses;
  readonly memory: Pick<StoreMemory, 'takeNotes'>;
  /** The key is in use, and this node has no vote on it yet. */
  readonly onWithoutVote: (entry: EntryName) => void;
}

type Answer = PaxosReply | RequestRefused;

export class Acceptor {
  readonly #ports: AcceptorPorts;

  constructor(ports: AcceptorPorts) {
    this.#ports = ports;
  }

  /** Answers only what is durable. Rejects with StorageFailed. */
  async serve(request: PaxosRequest): Promise<Answer> {
    const { local, records, standingOn } = this.#ports;
    if (records.isCongested) return refused('too many writes wait for the disk');
    // Asked for before the look at the disk, too: what was lacking may have been got back between the two.
    const standing = standingOn(request);
    if (standing.type === 'no-voter') return refused(standing.reason);
    let object: EncodedRecord | undefined;
    try {
      object = objectOf(request);
    } catch (error) {
      return refused(`the object is not valid: ${(error as Error).message}`);
    }
    return local.inSection(request, (loaded) => this.#serve(request, object, loaded));
  }

  /**
   * Has this node vote again on the keys of which it has lost the record alone, without waiting for the others to let it: what it
   * had accepted there, and is gone, may be undone. That takes an operator's word. Resolves to whether there were any. Rejects
   * with StorageFailed.
   */
  async takeLostVotes(): Promise<boolean> {
    const { acceptors, local } = this.#ports;
    let hasTaken = false;
    // All of them are among these.
    for (const { entry } of [...acceptors.unfinished])
      if (await local.inSection(entry, () => this.#takeLostVote(entry))) hasTaken = true;
    return hasTaken;
  }

  async #takeLostVote(entry: EntryName): Promise<boolean> {
    const state = await this.#stateOf(entry);
    if (typeof state === 'string' || state.admittedAs !== NO_STORE) return false;
    const voting = { ...state, admittedAs: undefined };
    await this.#keep(entry, { state, record: undefined }, { state: voting, record: undefined }, true);
    return true;
  }

  /** What is kept of a key, for people. A look at it, which nothing is decided upon. Never rejects. */
  async inspect(entry: EntryName): Promise<Extract<PeerReply, { type: 'inspect-vote' }>> {
    const standing = this.#ports.standingOn(entry);
    try {
      const state = (await this.#ports.acceptors.get(entry)) ?? UNTOUCHED;
      const { promised, accepted, chosen } = state;
      const notVoting = whyNotVoting(standing, state);
      return { type: 'inspect-vote', view: { promised, accepted, chosen, notVoting } };
    } catch (error) {
      const notVoting = `what it keeps of the key cannot be read: ${(error as Error).message}`;
      const nothing = { promised: undefined, accepted: undefined, chosen: undefined };
      return { type: 'inspect-vote', view: { ...nothing, notVoting } };
    }
  }

  async #serve(request: PaxosRequest, object: EncodedRecord | undefined, loaded: Loaded): Promise<Answer> {
    if (loaded.type === 'unreadable') return refused(loaded.reason);
    const state = await this.#stateOf(request);
    if (typeof state === 'string') return refused(state);
    const standing = this.#ports.standingOn(request);
    if (standing.type === 'no-voter') return refused(standing.reason);
    const held = {
      state,
      record: loaded.encoded === undefined ? undefined : new EncodedRecord(loaded.encoded),
    };
    let decided: DecidedVote;
    try {
      decided = decideVote(request, object, held, this.#nodeAs(standing, request));
    } catch (error) {
      return refused(this.#unreadable(request, error));
    }
    const { write, answer } = decided;
    // What is chosen is answered already, and stays chosen: its disk need not hurry, unless somebody wants to go on with the key.
    const isHurried = request.type !== 'paxos-commit' || this.#ports.local.isAwaited(request);
    if (write !== undefined) await this.#keep(request, held, write, isHurried);
    if (answer.reply.type === 'rejected') this.#refused(request, answer.reply.reason);
    // A round that asks only as many as it needs may never ask for this vote, which it will need when another one is away.
    else if (request.type === 'paxos-commit' && !hasVote(state, standing)) this.#wantVote(request);
    return answer;
  }

  #nodeAs(
    { voters, store, isNewcomer }: Extract<Standing, { readonly type: 'voter' }>,
    { bucket, key }: EntryName,
  ): AcceptorNode<EncodedRecord> {
    const { incarnations, clock, floors, records } = this.#ports;
    const entry = { bucket, key };
    return {
      voters,
      store,
      isNewcomer,
      floor: floors.of(records.partitionOf(entry)),
      incarnation: incarnations.opening,
      nowMs: clock.wallMs(),
      records: new EncodedRecords(entry),
    };
  }

  #refused(entry: EntryName, reason: Refusal): void {
    this.#ports.tracer.trace({ type: 'vote-refused', reason });
    if (reason === 'not-voting') this.#wantVote(entry);
  }

  #wantVote({ bucket, key }: EntryName): void {
    this.#ports.onWithoutVote({ bucket, key });
  }

  /** What is kept here of a key; a reason if it cannot be told. */
  async #stateOf(entry: EntryName): Promise<StoredState | string> {
    try {
      return (await this.#ports.acceptors.get(entry)) ?? UNTOUCHED;
    } catch (error) {
      if (error instanceof FormatError) await this.#abandon({ bucket: entry.bucket, key: entry.key });
      return this.#unreadable(entry, error);
    }
  }

  #unreadable({ bucket, key }: EntryName, error: unknown): string {
    const reason = error instanceof Error ? error.message : String(error);
    const { records, tracer } = this.#ports;
    if (!records.isClosed) tracer.trace({ type: 'unreadable-record', bucket, key, reason });
    return reason;
  }

  /** Nobody can read its state any more: it begins anew, as that of a store that has no vote. */
  async #abandon(entry: EntryName): Promise<void> {
    const { acceptors, records, losses } = this.#ports;
    const writes = await acceptors.abandon(entry, losses);
    if (writes !== undefined) await records.write(...writes);
  }

  /** Makes what was decided durable, all at once. */
  async #keep(entry: EntryName, held: Held, write: Held, isHurried: boolean): Promise<void> {
    const { records, acceptors, memory, onChanged } = this.#ports;
    // An answer will rest on what others have promised and accepted: how far their stores are goes with what this one does.
    const notes = isMoreThanPromised(held, write) ? memory.takeNotes() : [];
    const writes = [...acceptors.writes(entry, held.state, write.state), ...notes];
    const { record: before } = held;
    const { record: after } = write;
    const isSame = after === undefined || after === before || before?.equals(after) === true;
    if (!isSame) {
      this.#renewIfAhead(entry, before, after);
      writes.push(records.recordWrite(entry, after.bytes));
    }
    await (isHurried ? records.write(...writes) : records.writeUnhurried(...writes));
    acceptors.stored(entry, write.state);
    if (!isSame) onChanged(entry, before?.bytes, after.bytes);
  }

  /** What was chosen may hold dots of this very incarnation that the store has lost: they must not be minted again. */
  #renewIfAhead({ bucket, key }: EntryName, before: EncodedRecord | undefined, after: EncodedRecord): void {
    // It knows no other dots than what is here, but that of a ballot.
    if (before !== undefined && after.isMadeOf(before)) return;
    const { incarnations, tracer } = this.#ports;
    const from = incarnations.current;
    if (!isAheadOn(from, after.decoded().context, before?.decoded())) return;
    tracer.trace({ type: 'incarnation-renewed', bucket, key, from, to: incarnations.renew() });
  }
}

function whyNotVoting(standing: Standing, state: StoredState): string | undefined {
  if (standing.type === 'no-voter') return standing.reason;
  return hasVote(state, standing)
    ? undefined
    : 'it has lost what it knew of this key, or all that it knew, and was not let vote on it yet';
}

function isMoreThanPromised({ state: before }: Held, { state: after }: Held): boolean {
  return after.accepted !== before.accepted || after.chosen !== before.chosen;
}

function refused(reason: string): RequestRefused {
  return { type: 'request-refused', reason };
}
