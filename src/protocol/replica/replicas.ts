/**
 * Replicas of a key wherever they lie: a coordinator asks its own node's in the same words as another's, so nothing can
 * be right for remote data only, or for local data only.
 */
import type { EntryName, NodeId } from '../../core/ids.ts';
import type { ReadReplica, ReadReply, StoreReplica, StoreReply } from '../../core/message.ts';
import type { ReplicaResult } from '../../core/outcome.ts';
import type { PeerStatus } from '../peers/peer-status.ts';
import type { Peers } from '../peers/peers.ts';
import type { PeerAnswer } from '../peers/pending-requests.ts';
import type { LocalReplica } from './local-replica.ts';

/** Why a replica gave no reply at all. */
export interface NoReply {
  readonly type: 'no-reply';
  readonly result: Extract<ReplicaResult, 'unreachable' | 'connection-lost' | 'refused'>;
  readonly reason: string;
}

export type Cancel = () => void;

export class Replicas {
  readonly self: NodeId;
  readonly #local: LocalReplica;
  readonly #peers: Peers;

  constructor(self: NodeId, local: LocalReplica, peers: Peers) {
    this.self = self;
    this.#local = local;
    this.#peers = peers;
  }

  /** `down`: asking now fails at once. `connecting`: the question waits for the connection. `suspected`: it may hang. */
  state(node: NodeId): PeerStatus['state'] {
    return node === this.self ? 'up' : this.#peers.state(node);
  }

  /** Dials a node that is down, unless that was tried a moment ago: it may be `connecting` afterwards. */
  dialSoon(node: NodeId): void {
    if (node !== this.self) this.#peers.dialSoon(node);
  }

  /** Calls back after every change of some node's state. */
  watch(onChange: () => void): Cancel {
    return this.#peers.watch(onChange);
  }

  /** Whether the own replica may lack something of this entry that was acknowledged. */
  mayLack(entry: EntryName): boolean {
    return this.#local.mayLack(entry);
  }

  /** Asks for a replica's record. `onReply` is called once, before this returns or later; or never after a cancel. */
  read(node: NodeId, request: ReadReplica, onReply: (reply: ReadReply | NoReply) => void): Cancel {
    if (node === this.self) return this.#readOwn(request, onReply);
    return this.#peers.request(node, request, (answer) => {
      onReply(answer.type === 'reply' && answer.reply.type === 'read' ? answer.reply.reply : noReply(answer));
    });
  }

  #readOwn(request: ReadReplica, onReply: (reply: ReadReply | NoReply) => void): Cancel {
    const reply = this.#local.read(request);
    if (reply instanceof Promise) return callBack(reply, onReply);
    onReply(reply);
    return ignore;
  }

  /** Asks a replica to join a record into its own, durably. `onReply` is called once, or never after a cancel. */
  store(node: NodeId, request: StoreReplica, onReply: (reply: StoreReply | NoReply) => void): Cancel {
    if (node === this.self) return callBack(this.#local.store(request), onReply);
    return this.#peers.request(node, request, (answer) => {
      onReply(
        answer.type === 'reply' && answer.reply.type === 'store' ? answer.reply.reply : noReply(answer),
      );
    });
  }
}

/** The first node that can be asked now, else one whose connection is being made, else one that may hang, else any. */
export function mostUsable(replicas: Replicas, nodes: readonly NodeId[]): NodeId | undefined {
  const up = nodes.find((node) => replicas.state(node) === 'up');
  if (up !== undefined) return up;
  for (const node of nodes) replicas.dialSoon(node);
  return (
    nodes.find((node) => replicas.state(node) === 'connecting') ??
    nodes.find((node) => replicas.state(node) === 'suspected') ??
    nodes[0]
  );
}

function callBack<Reply>(promise: Promise<Reply>, onReply: (reply: Reply | NoReply) => void): Cancel {
  let wanted = true;
  promise.then(
    (reply) => {
      if (wanted) onReply(reply);
    },
    (error: unknown) => {
      if (wanted) onReply({ type: 'no-reply', result: 'connection-lost', reason: String(error) });
    },
  );
  return () => {
    wanted = false;
  };
}

function noReply(answer: PeerAnswer): NoReply {
  switch (answer.type) {
    case 'not-sent':
      return { type: 'no-reply', result: 'unreachable', reason: answer.reason };
    case 'lost':
      return { type: 'no-reply', result: 'connection-lost', reason: answer.reason };
    case 'reply': {
      const reason =
        answer.reply.type === 'request-refused' ? answer.reply.reason : 'a reply of another kind';
      return { type: 'no-reply', result: 'refused', reason };
    }
  }
}

function ignore(): void {}
