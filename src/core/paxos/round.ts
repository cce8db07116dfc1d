/**
 * One round of one proposer on one key: a state machine that is told what acceptors answer, and says what to do next. It
 * sends nothing, waits for nothing, and never comes back: a round that was lost is followed by another one, with a ballot of
 * its own. (Paxos Made Simple, 2.2; CASPaxos 2.2.)
 *
 * Invariants: a quorum is of distinct nodes that know the same voters, so a second answer of one node counts once, and what knows
 * other voters counts for nothing; one object at most is proposed under the ballot; nothing is answered that is not chosen.
 * That a request was refused (412) is an answer, too: it says what the key's object is.
 */
import type { KeyRecord } from '../causality/record.ts';
import type { BucketMode } from '../cluster-config.ts';
import type { NodeId } from '../ids.ts';
import { type Ballot, highestBallot } from './ballot.ts';
import { type Conditional, mayBeSent, type Verdict } from './conditional.ts';
import { currentObject, isSettled } from './current-object.ts';
import type {
  Accept,
  AcceptReply,
  Commit,
  Prepare,
  PrepareReply,
  Promised,
  Refusal,
  Rejected,
  Voters,
} from './messages.ts';
import { planRound, type PlanFacts, type RoundPlan } from './round-plan.ts';

/** What a quorum promised the proposer beforehand, and the object that it is known to hold until then (mode `cas`). */
export interface Grant {
  readonly ballot: Ballot;
  readonly voters: Voters;
  readonly object: KeyRecord | undefined;
  readonly floor: Ballot | undefined;
  /** Those that are known to have given it: it is best used with them. */
  readonly promisedBy: readonly NodeId[];
}

export interface RoundOptions extends Omit<PlanFacts, 'ballot' | 'floor'> {
  readonly ballot: Ballot;
  /** The highest ballot that an acceptor of the key has told of. */
  readonly heard: Ballot | undefined;
  readonly voters: Voters;
  readonly mode: BucketMode;
  /** Those who may vote: the home replicas; for a round that lets a node vote again, all of them but that one. */
  readonly acceptors: readonly NodeId[];
  /** How many of them are a quorum: the majority of N, of whichever acceptors. For collecting a key: N. */
  readonly quorum: number;
  /** How many promises to wait for, if they come: the quorum, or more after dirty rejects. */
  readonly gather: number;
  /** The requests that wait, first come first. May be empty. */
  readonly requests: readonly Conditional[];
  /**
   * Whether to propose even what is known to be chosen. A round that lets a node vote again, or that comes before a key is
   * collected, is there for its ballot and not for an answer.
   */
  readonly mustPropose?: boolean;
  /** To be promised together with the accept; only in buckets of mode `cas`. */
  readonly next?: Ballot;
}

export type RoundStep =
  | { readonly type: 'wait' }
  /** Send it to as many acceptors as accept it, or all. `found`: what the promises held, which the object holds, too, and beside it only what is new. */
  | { readonly type: 'accept'; readonly message: Accept; readonly found: KeyRecord | undefined }
  /** The promises alone proved what is chosen, and no write is to be proposed: nothing more is to be done. */
  | { readonly type: 'answered'; readonly verdicts: readonly Verdict[] }
  /** Answer, then send the commit to all home replicas. `grant`: a quorum promised `next`. */
  | {
      readonly type: 'chosen';
      readonly verdicts: readonly Verdict[];
      readonly commit: Commit;
      readonly grant: Grant | undefined;
    }
  | LostRound;

/** Nothing of this round can be answered. */
export interface LostRound {
  readonly type: 'lost';
  /** Why acceptors refused, each once. Empty: they did not answer. */
  readonly refusals: readonly Refusal[];
  /** The highest ballot that was heard of: the next one has to be above. */
  readonly highest: Ballot | undefined;
}

const WAIT: RoundStep = { type: 'wait' };

export class Round {
  readonly ballot: Ballot;
  readonly #options: RoundOptions;
  #phase: 'preparing' | 'accepting' | 'over' = 'preparing';
  #plan: RoundPlan | undefined;
  #floor: Ballot | undefined;
  /** Whether an ACCEPT was handed out. One acceptance is enough for a later round to take it up. */
  #isProposed = false;
  readonly #promises = new Map<NodeId, Promised>();
  readonly #accepts = new Set<NodeId>();
  /** Of the phase that is on: those that will not say yes any more. */
  readonly #failed = new Set<NodeId>();
  /** Those that are proved never to have accepted the ballot, and never to do so. */
  readonly #safe = new Set<NodeId>();
  readonly #refusals = new Set<Refusal>();
  readonly #notVoting = new Set<NodeId>();
  #highest: Ballot | undefined;

  constructor(options: RoundOptions) {
    this.ballot = options.ballot;
    this.#options = options;
  }

  /**
   * Of a round that was lost: the request, by its place, that may have been accepted, and so may be chosen yet. Its next attempt is
   * not its first, and if there is none its outcome is unknown. Undefined once it is certain that no acceptor has ever accepted
   * it, or will: refusals that come after the round was lost are worth telling it.
   */
  get exposed(): number | undefined {
    return this.#isProposed && this.#safe.size < this.#options.acceptors.length
      ? this.#plan?.winner
      : undefined;
  }

  /**
   * Those that said that they do not vote on the key yet. What this round has chosen was chosen by others than these, which all
   * know the same voters: it lets them vote (messages.ts, Admit).
   */
  get notVoting(): ReadonlySet<NodeId> {
    return this.#notVoting;
  }

  /** Those that have accepted what this round proposed, as far as it was told. */
  get accepted(): ReadonlySet<NodeId> {
    return this.#accepts;
  }

  /** What to send first to as many acceptors as promise it, or all. */
  prepare(): Prepare {
    const { voters, heard } = this.#options;
    return { type: 'prepare', voters, ballot: this.ballot, heard };
  }

  /**
   * Begins with what was promised beforehand, in place of prepare(). The grant must have been given for this ballot, and must not
   * be used again, whatever comes of the round.
   */
  startGranted({ object, floor }: Grant): RoundStep {
    return this.#propose(object, floor);
  }

  onPrepareReply(from: NodeId, reply: PrepareReply): RoundStep {
    this.#noteIfNotVoting(from, reply);
    if (this.#phase !== 'preparing' || this.#promises.has(from)) return WAIT;
    if (reply.type === 'rejected') return this.#refuse(from, reply);
    if (reply.voters !== this.#options.voters) return this.onFailure(from);
    this.#promises.set(from, reply);
    return this.#promises.size >= this.#options.gather ? this.proceed() : this.#orGiveUp();
  }

  /** No more promises are to be waited for: goes on with those of a quorum, if they are there. */
  proceed(): RoundStep {
    if (this.#phase !== 'preparing' || this.#promises.size < this.#options.quorum) return WAIT;
    const promises = [...this.#promises.values()];
    const floor = highestBallot(...promises.map((promise) => promise.floor));
    const step = this.#propose(currentObject(promises), floor);
    // A refusal is a read: it is answered if a read of these promises could be.
    const isAnswer = this.#plan?.isUnchanged === true && this.#options.mustPropose !== true;
    if (!isAnswer || !isSettled(promises, this.#strictness)) return step;
    this.#phase = 'over';
    this.#isProposed = false;
    return { type: 'answered', verdicts: this.#plan?.verdicts ?? [] };
  }

  onAcceptReply(from: NodeId, reply: AcceptReply): RoundStep {
    this.#noteIfNotVoting(from, reply);
    if (reply.type === 'rejected') this.#noteIfSafe(from, reply);
    if (this.#phase !== 'accepting' || this.#accepts.has(from)) return WAIT;
    if (reply.type === 'rejected') return this.#refuse(from, reply);
    if (reply.voters !== this.#options.voters) return this.onFailure(from);
    this.#accepts.add(from);
    if (this.#accepts.size < this.#options.quorum) return WAIT;
    this.#phase = 'over';
    const { voters, next } = this.#options;
    const { object, verdicts } = this.#plan as RoundPlan;
    return {
      type: 'chosen',
      verdicts,
      commit: { type: 'commit', ballot: this.ballot, object },
      grant:
        next === undefined
          ? undefined
          : { ballot: next, voters, object, floor: this.#floor, promisedBy: [...this.#accepts] },
    };
  }

  /** An acceptor cannot be reached, or does not answer: it may have done what it was asked all the same. */
  onFailure(from: NodeId): RoundStep {
    this.#failed.add(from);
    return this.#orGiveUp();
  }

  /** What the round proposes was not sent to this acceptor, and never will be. */
  neverAsked(acceptor: NodeId): void {
    this.#safe.add(acceptor);
  }

  /** Ends a round that takes too long. */
  abandon(): LostRound {
    this.#phase = 'over';
    return { type: 'lost', refusals: [...this.#refusals], highest: this.#highest };
  }

  /** Promises matter beside plain writes, and to what was sent before. */
  get #strictness(): BucketMode {
    const { mode, requests } = this.#options;
    return requests.some(mayBeSent) ? 'mixed' : mode;
  }

  #propose(current: KeyRecord | undefined, floor: Ballot | undefined): RoundStep {
    // A write under this ballot would be taken for one that was superseded, and vanish. Only a context that nobody has handed out
    // names a ballot that no acceptor has promised.
    const covered = current?.context.ballot;
    if (covered !== undefined && covered >= this.ballot) {
      this.#refusals.add('outbid');
      this.#highest = highestBallot(this.#highest, covered);
      return this.abandon();
    }
    this.#plan = planRound(current, this.#options.requests, { ...this.#options, floor });
    this.#floor = floor;
    this.#phase = 'accepting';
    this.#isProposed = true;
    this.#failed.clear();
    const { voters, next } = this.#options;
    const { object } = this.#plan;
    const message = { type: 'accept', voters, ballot: this.ballot, object, next } as const;
    return { type: 'accept', message, found: current };
  }

  #refuse(from: NodeId, { reason, highest }: Rejected): RoundStep {
    this.#refusals.add(reason);
    this.#highest = highestBallot(this.#highest, highest);
    return this.onFailure(from);
  }

  #noteIfNotVoting(from: NodeId, reply: PrepareReply | AcceptReply): void {
    if (reply.type === 'rejected' && reply.reason === 'not-voting') this.#notVoting.add(from);
  }

  /** The refusal may be that of a second copy, after the first was accepted: AB tells, as it never falls. */
  #noteIfSafe(from: NodeId, { reason, accepted }: Rejected): void {
    if (isFinal(reason) && (accepted === undefined || accepted < this.ballot)) this.#safe.add(from);
  }

  #orGiveUp(): RoundStep {
    if (this.#phase === 'over') return WAIT;
    const { acceptors, quorum } = this.#options;
    const said = this.#phase === 'preparing' ? this.#promises : this.#accepts;
    const lost = acceptors.filter((node) => this.#failed.has(node) && !said.has(node)).length;
    if (acceptors.length - lost < quorum) return this.abandon();
    // Those that were waited for beyond the quorum will not come.
    const isComplete = this.#phase === 'preparing' && said.size + lost === acceptors.length;
    return isComplete ? this.proceed() : WAIT;
  }
}

/**
 * Whether an acceptor that refused for this reason, and has not accepted the ballot so far, never will: what it has promised does
 * not fall, and what it holds does not shrink. A copy of the accept that comes later finds the same.
 */
function isFinal(reason: Refusal): boolean {
  return reason === 'outbid' || reason === 'dirty';
}
