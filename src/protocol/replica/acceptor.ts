/**
 * This node's vote in the Paxos rounds of its keys: what core/paxos/acceptor.ts decides, made durable. A decision and what
 * comes of it run in the key's serial section, where plain writes of the record run, too, so no record changes between them.
 * State and record go into one batch of the group commit: no crash leaves a chosen object's bytes in neither of the two.
 *
 * A node that cannot tell what it holds does not vote. It neither refuses nor agrees: it answers nothing that could be counted.
 */
import { FormatError } from '../../codec/packer.ts';
import {
  decodeCheckedRecord,
  decodeRecord,
  encodeRecord,
  recordDigest,
  sameBytes,
} from '../../codec/record-codec.ts';
import { isAheadOn } from '../../core/causality/mint.ts';
import type { KeyRecord } from '../../core/causality/record.ts';
import type { EntryName, NodeId, StoreId } from '../../core/ids.ts';
import {
  decideAccept,
  decideAdmit,
  decideCommit,
  decideCommitAccepted,
  decidePrepare,
  decideRead,
} from '../../core/paxos/acceptor.ts';
import { type AcceptorNode, hasVote } from '../../core/paxos/acceptor.ts';
import {
  type AcceptorState,
  type HeldKey,
  isUnfinished,
  UNTOUCHED,
} from '../../core/paxos/acceptor-state.ts';
import type { KeyView, Promised, Refusal, Rejected, Voters } from '../../core/paxos/messages.ts';
import type {
  EncodedPromise,
  EncodedView,
  PaxosReply,
  PaxosRequest,
} from '../../core/paxos/peer-messages.ts';
import type { PeerReply, RequestRefused } from '../../core/message.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { StoreMemory } from '../peers/store-memory.ts';
import type { AcceptorStore, VoteLosses } from './acceptor-store.ts';
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
  /** Somebody has asked for a vote that this node does not have yet. */
  readonly onNotVoting: (entry: EntryName) => void;
}

/** The key as it lies here, in its serial section. */
interface Held extends HeldKey {
  /** Left out (undefined) where it is not looked at, but goes on as it lies there. */
  readonly record: KeyRecord | undefined;
  readonly encoded: Uint8Array | undefined;
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
    let object: KeyRecord | undefined;
    try {
      object = objectOf(request);
    } catch (error) {
      return refused(`the object is not valid: ${(error as Error).message}`);
    }
    return local.inSection(request, (loaded) => this.#serve(request, object, loaded));
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

  async #serve(request: PaxosRequest, object: KeyRecord | undefined, loaded: Loaded): Promise<Answer> {
    if (loaded.type === 'unreadable') return refused(loaded.reason);
    const held = await this.#held(request, request.type, loaded.encoded);
    if (typeof held === 'string') return refused(held);
    const standing = this.#ports.standingOn(request);
    if (standing.type === 'no-voter') return refused(standing.reason);
    const { voters, store, isNewcomer } = standing;
    const { incarnations, clock, floors, records } = this.#ports;
    const self = { voters, store, isNewcomer, floor: floors.of(records.partitionOf(request)) };
    const node = { ...self, incarnation: incarnations.opening, nowMs: clock.wallMs() };
    const answer = await this.#decide(request, object, held, node);
    if (answer.reply.type === 'rejected') this.#refused(request, answer.reply.reason);
    return answer;
  }

  #refused({ bucket, key }: EntryName, reason: Refusal): void {
    this.#ports.tracer.trace({ type: 'vote-refused', reason });
    if (reason === 'not-voting') this.#ports.onNotVoting({ bucket, key });
  }

  async #decide(
    request: PaxosRequest,
    object: KeyRecord | undefined,
    held: Held,
    node: AcceptorNode,
  ): Promise<PaxosReply> {
    switch (request.type) {
      case 'paxos-prepare': {
        const { write, reply } = decidePrepare(held, { ...request, type: 'prepare' }, node);
        await this.#keep(request, held, write);
        return { type: request.type, reply: encodedPromise(request, held, reply) };
      }
      case 'paxos-accept': {
        const { write, reply } = decideAccept(held, { ...request, type: 'accept', object }, node);
        await this.#keep(request, held, write);
        return { type: request.type, reply };
      }
      case 'paxos-commit': {
        const { write, reply } =
          request.object === 'accepted'
            ? decideCommitAccepted(held, { ...request, type: 'commit-accepted' }, node)
            : decideCommit(held, { ...request, type: 'commit', object }, node);
        await this.#keep(request, held, write);
        return { type: request.type, reply };
      }
      case 'paxos-admit': {
        const { write, reply } = decideAdmit(held, { ...request, type: 'admit', object }, node);
        await this.#keep(request, held, write);
        return { type: request.type, reply };
      }
      case 'paxos-read': {
        const { reply } = decideRead(held, { ...request, type: 'read-key' }, node);
        return { type: request.type, reply: encodedView(request, request.known, held, reply) };
      }
    }
  }

  /** What lies here of a key; a reason if it cannot be told. */
  async #held(
    entry: EntryName,
    purpose: PaxosRequest['type'],
    encoded: Uint8Array | undefined,
  ): Promise<Held | string> {
    try {
      const state = (await this.#ports.acceptors.get(entry)) ?? UNTOUCHED;
      const isPassedOn = purpose === 'paxos-prepare' || (purpose === 'paxos-read' && !isUnfinished(state));
      const record = encoded === undefined || isPassedOn ? undefined : decodeCheckedRecord(encoded);
      return { state, encoded, record };
    } catch (error) {
      const { bucket, key } = entry;
      const reason = error instanceof Error ? error.message : String(error);
      this.#ports.tracer.trace({ type: 'unreadable-record', bucket, key, reason });
      if (error instanceof FormatError) await this.#abandon({ bucket, key });
      return reason;
    }
  }

  /** Nobody can read its state any more: it begins anew, as that of a store that has no vote. */
  async #abandon(entry: EntryName): Promise<void> {
    const { acceptors, records, losses } = this.#ports;
    const writes = await acceptors.abandon(entry, losses);
    if (writes !== undefined) await records.write(...writes);
  }

  /** Makes what was decided durable, all at once. */
  async #keep(entry: EntryName, held: Held, write: HeldKey | undefined): Promise<void> {
    if (write === undefined) return;
    const { records, acceptors, memory, onChanged } = this.#ports;
    // An answer will rest on what others have promised and accepted: how far their stores are goes with what this one does.
    const notes = isMoreThanPromised(held, write) ? memory.takeNotes() : [];
    const writes = [...acceptors.writes(entry, held.state, write.state), ...notes];
    const after = write.record === held.record ? held.encoded : encodedOf(entry, write.record);
    if (after === undefined || isSame(held.encoded, after)) {
      await records.write(...writes);
      acceptors.stored(entry, write.state);
      return;
    }
    this.#renewIfAhead(entry, held, write);
    await records.put(entry, after, ...writes);
    acceptors.stored(entry, write.state);
    onChanged(entry, held.encoded, after);
  }

  /** What was chosen may hold dots of this very incarnation that the store has lost: they must not be minted again. */
  #renewIfAhead({ bucket, key }: EntryName, held: Held, { record }: HeldKey): void {
    const { incarnations, tracer } = this.#ports;
    const from = incarnations.current;
    if (record === undefined || !isAheadOn(from, record.context, held.record)) return;
    tracer.trace({ type: 'incarnation-renewed', bucket, key, from, to: incarnations.renew() });
  }
}

function whyNotVoting(standing: Standing, state: AcceptorState): string | undefined {
  if (standing.type === 'no-voter') return standing.reason;
  return hasVote(state, standing)
    ? undefined
    : 'it has lost what it knew of this key, or all that it knew, and was not let vote on it yet';
}

function isMoreThanPromised({ state: before }: HeldKey, { state: after }: HeldKey): boolean {
  return after.accepted !== before.accepted || after.chosen !== before.chosen;
}

/** Throws FormatError. */
function objectOf(request: PaxosRequest): KeyRecord | undefined {
  if (!('object' in request) || request.object === undefined || request.object === 'accepted')
    return undefined;
  return decodeRecord(request, request.object);
}

function encodedOf(entry: EntryName, record: KeyRecord | undefined): Uint8Array | undefined {
  return record === undefined ? undefined : encodeRecord(entry, record);
}

function isSame(left: Uint8Array | undefined, right: Uint8Array): boolean {
  return left !== undefined && sameBytes(recordDigest(left), recordDigest(right));
}

function encodedPromise(
  entry: EntryName,
  { encoded }: Held,
  reply: Promised | Rejected,
): EncodedPromise | Rejected {
  if (reply.type === 'rejected') return reply;
  return { ...reply, object: encodedOf(entry, reply.object), record: encoded };
}

function encodedView(
  entry: EntryName,
  known: Uint8Array | undefined,
  held: Held,
  reply: KeyView | Rejected,
): EncodedView | Rejected {
  if (reply.type === 'rejected') return reply;
  const seen = reply.record === held.record ? held.encoded : encodedOf(entry, reply.record);
  if (seen === undefined) return { ...reply, digest: undefined, record: undefined };
  const digest = recordDigest(seen);
  const isKnown = known !== undefined && sameBytes(digest, known);
  return { ...reply, digest, record: isKnown ? undefined : seen };
}

function refused(reason: string): RequestRefused {
  return { type: 'request-refused', reason };
}
