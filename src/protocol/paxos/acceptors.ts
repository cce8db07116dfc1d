/** Acceptors wherever they are: a proposer asks its own node's in the same words as another's. */
import type { EntryName, NodeId } from '../../core/ids.ts';
import type { PeerReply, VoteView } from '../../core/message.ts';
import type { PaxosReply, PaxosRequest } from '../../core/paxos/peer-messages.ts';
import type { InFlight } from '../in-flight.ts';
import type { Peers } from '../peers/peers.ts';
import type { Acceptor } from '../replica/acceptor.ts';

/** Undefined: there was no answer, or none that counts. What was asked may have been done all the same. */
export type OnPaxosReply = (reply: PaxosReply | undefined) => void;

export class Acceptors {
  readonly self: NodeId;
  readonly #own: Acceptor;
  readonly #peers: Peers;
  readonly #inFlight: InFlight;

  constructor(self: NodeId, own: Acceptor, peers: Peers, inFlight: InFlight) {
    this.self = self;
    this.#own = own;
    this.#peers = peers;
    this.#inFlight = inFlight;
  }

  /** What a node keeps of a key as its acceptor; undefined: it did not tell. `onView` is called once. */
  inspect({ bucket, key }: EntryName, node: NodeId, onView: (view: VoteView | undefined) => void): void {
    if (node === this.self) {
      void this.#own.inspect({ bucket, key }).then(({ view }) => onView(view));
      return;
    }
    this.#peers.request(node, { type: 'inspect-vote', bucket, key }, (answer) => {
      const isView = answer.type === 'reply' && answer.reply.type === 'inspect-vote';
      onView(isView ? answer.reply.view : undefined);
    });
  }

  /** Whether it may be expected to answer. */
  isUp(node: NodeId): boolean {
    return node === this.self || this.#peers.state(node) === 'up';
  }

  /** `onReply` is called once. As long as it is not, the request counts as under way. */
  ask(node: NodeId, request: PaxosRequest, onReply: OnPaxosReply): void {
    const leave = this.#inFlight.enter();
    const answered = (reply: PeerReply | undefined): void => {
      leave();
      onReply(reply !== undefined && reply.type === request.type ? reply : undefined);
    };
    if (node === this.self) {
      this.#own.serve(request).then(answered, () => answered(undefined));
      return;
    }
    this.#peers.request(node, request, (answer) =>
      answered(answer.type === 'reply' ? answer.reply : undefined),
    );
  }

  /** As `ask`, for what nobody waits for, and what others find out if it is lost. */
  tell(node: NodeId, request: PaxosRequest): void {
    if (node === this.self) this.ask(node, request, () => {});
    else this.#peers.tell(node, request);
  }
}
