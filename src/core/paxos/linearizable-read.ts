/**
 * A linearizable read in one round trip and without a write: what a quorum holds is the key's object if all of it holds that of the
 * same ballot, holds the same, and (beside plain writes) has promised nothing higher. Else a round has to propose what it finds (round.ts,
 * IdentityRead), after which the next read is quick again.
 *
 * The ballot is the highest that an acceptor has accepted or was told to be chosen: a round asks no more of them than it needs, and the rest is
 * told. If one was told, it is chosen; if none was, the whole quorum has accepted it. And nothing above it was chosen
 * before, or somebody in the quorum had accepted that.
 *
 * Equal values are not enough: such rounds make equal objects under different ballots, of which some may be about to be
 * overwritten. And a promise above what was accepted may belong to a round that has seen less: one that was promised before a plain
 * write came, and is being chosen elsewhere.
 *
 * In a bucket of mode `cas` there are no plain writes, and promises do not matter. Whoever has promises of
 * a quorum for a higher ballot has one of somebody who had accepted before, or would have refused to accept; so what comes of that ballot
 * comes from what is read here, and after it. Hence reads do not disturb one who holds promises for his next write, nor he them.
 */
import type { BucketMode } from '../cluster-config.ts';
import type { NodeId } from '../ids.ts';
import { heldBallot } from './acceptor-state.ts';
import { type Ballot, isAbove } from './ballot.ts';
import type { Voters } from './messages.ts';

/** What the read compares of one acceptor's view of the key. */
export interface ComparedView {
  readonly voters: Voters;
  readonly promised: Ballot | undefined;
  readonly accepted: Ballot | undefined;
  readonly chosen: Ballot | undefined;
  /** Canonical digest, of at least 128 bits, of AO and S joined; equal for equal records only. */
  readonly digest: string;
}

export type ReadVerdict =
  | { readonly type: 'wait' }
  /** The object is what this node holds, and some others hold just as well. */
  | { readonly type: 'settled'; readonly node: NodeId }
  /** No quorum can agree any more. */
  | { readonly type: 'round-needed' };

export interface LinearizableReadOptions {
  readonly voters: Voters;
  readonly acceptors: readonly NodeId[];
  readonly quorum: number;
  readonly mode: BucketMode;
}

export class LinearizableRead {
  readonly #options: LinearizableReadOptions;
  #outstanding: Set<NodeId>;
  readonly #agreeing = new Map<string, NodeId[]>();

  constructor(options: LinearizableReadOptions) {
    this.#options = options;
    this.#outstanding = new Set(options.acceptors);
  }

  /** `view` undefined: it was refused, or there was no answer. Only a node's first answer counts. */
  onReply(from: NodeId, view: ComparedView | undefined): ReadVerdict {
    if (!this.#outstanding.delete(from)) return this.#verdict();
    if (view !== undefined && this.#counts(view)) {
      const name = `${heldBallot(view) ?? ''} ${view.digest}`;
      this.#agreeing.set(name, [...(this.#agreeing.get(name) ?? []), from]);
    }
    return this.#verdict();
  }

  #counts(view: ComparedView): boolean {
    const { voters, mode } = this.#options;
    return view.voters === voters && (mode === 'cas' || !isAbove(view.promised, heldBallot(view)));
  }

  #verdict(): ReadVerdict {
    const { quorum } = this.#options;
    let most = 0;
    for (const nodes of this.#agreeing.values()) {
      if (nodes.length >= quorum) return { type: 'settled', node: nodes[0] as NodeId };
      most = Math.max(most, nodes.length);
    }
    return most + this.#outstanding.size < quorum ? { type: 'round-needed' } : { type: 'wait' };
  }
}
