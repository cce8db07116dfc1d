/**
 * A linearizable read in one round trip and without a write: what a quorum holds is the key's object if all of it accepted the
 * same ballot last, holds the same, and (beside plain writes) has promised nothing higher. Else a round has to propose what it finds (round.ts,
 * IdentityRead), after which the next read is quick again.
 *
 * Equal values are not enough: such rounds make equal objects under different ballots, of which some may be about to be
 * overwritten. And a promise above what was accepted may belong to a round that has seen less: one that was promised before a plain
 * write came, and is being chosen elsewhere.
 *
 * In a bucket of mode `cas` there are no plain writes, and promises do not matter. Whoever was promised a higher ballot by one of
 * this quorum was promised it after that one had accepted, or it would have refused to accept; so what comes of that ballot comes
 * from what is read here, and after it. Hence reads do not disturb one who holds promises for his next write, nor he them.
 */
import type { BucketMode } from '../cluster-config.ts';
import type { NodeId } from '../ids.ts';
import { type Ballot, isAbove } from './ballot.ts';
import type { Voters } from './messages.ts';

/** What the read compares of one acceptor's view of the key. */
export interface ComparedView {
  readonly voters: Voters;
  readonly promised: Ballot | undefined;
  readonly accepted: Ballot | undefined;
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
      const name = `${view.accepted ?? ''} ${view.digest}`;
      this.#agreeing.set(name, [...(this.#agreeing.get(name) ?? []), from]);
    }
    return this.#verdict();
  }

  #counts({ voters, promised, accepted }: ComparedView): boolean {
    const { voters: known, mode } = this.#options;
    return voters === known && (mode === 'cas' || !isAbove(promised, accepted));
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
