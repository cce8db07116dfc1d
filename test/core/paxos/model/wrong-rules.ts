/** Rules that look right and are not: each that the protocol needs, left out. The scenarios or the model must notice. */
import { joinIfAny } from '../../../../src/core/causality/record-order.ts';
import type { KeyRecord } from '../../../../src/core/causality/record.ts';
import type { NodeId } from '../../../../src/core/ids.ts';
import { currentObject } from '../../../../src/core/paxos/current-object.ts';
import { type Ballot, highestBallot, isAbove } from '../../../../src/core/paxos/ballot.ts';
import { LinearizableRead } from '../../../../src/core/paxos/linearizable-read.ts';
import type { AcceptReply, PrepareReply, Promised } from '../../../../src/core/paxos/messages.ts';
import { Round, type RoundOptions, type RoundStep } from '../../../../src/core/paxos/round.ts';
import { planRound } from '../../../../src/core/paxos/round-plan.ts';
import { type ModelRules, PRODUCTION_RULES } from './model-rules.ts';

const { decideAccept, decidePrepare, decideRead } = PRODUCTION_RULES;

/** Answers a refusal at once, by what the promises show, whether that is chosen or not. */
class RashRound extends Round {
  readonly #plan: RoundOptions;
  readonly #seen = new Map<NodeId, Promised>();

  constructor(options: RoundOptions) {
    super(options);
    this.#plan = options;
  }

  override onPrepareReply(from: NodeId, reply: PrepareReply): RoundStep {
    if (reply.type === 'promised') this.#seen.set(from, reply);
    return this.#rash(super.onPrepareReply(from, reply));
  }

  #rash(step: RoundStep): RoundStep {
    if (step.type !== 'accept') return step;
    const plan = planRound(currentObject([...this.#seen.values()]), this.#plan.requests, {
      ...this.#plan,
      floor: undefined,
    });
    const isRefusal =
      plan.verdicts.length > 0 && plan.verdicts.every(({ type }) => type === 'precondition-failed');
    if (!isRefusal) return step;
    this.abandon();
    return { type: 'answered', verdicts: plan.verdicts };
  }
}

/** Takes it that whoever knows what was chosen holds it, so that nobody else need. */
class TrustingRound extends Round {
  #chosen: Ballot | undefined;

  override onPrepareReply(from: NodeId, reply: PrepareReply): RoundStep {
    if (reply.type === 'rejected') return super.onPrepareReply(from, reply);
    this.#chosen = highestBallot(this.#chosen, reply.chosen);
    const isHeld = !isAbove(reply.accepted, this.#chosen);
    return super.onPrepareReply(from, isHeld ? { ...reply, object: undefined } : reply);
  }
}

/** Counts answers, not those that give them: an answer that comes again is that of the next acceptor which has given none. */
class CountingRound extends Round {
  readonly #acceptors: readonly NodeId[];
  readonly #answered = new Set<NodeId>();

  constructor(options: RoundOptions) {
    super(options);
    this.#acceptors = options.acceptors;
  }

  override onAcceptReply(from: NodeId, reply: AcceptReply): RoundStep {
    const other = this.#acceptors.find((acceptor) => !this.#answered.has(acceptor));
    const as = this.#answered.has(from) ? (other ?? from) : from;
    this.#answered.add(as);
    return super.onAcceptReply(as, reply);
  }
}

function joinedWith(reply: PrepareReply, object: KeyRecord | undefined): PrepareReply {
  return reply.type === 'promised' ? { ...reply, record: joinIfAny(reply.record, object) } : reply;
}

export const WRONG_RULES: Readonly<Record<string, ModelRules>> = {
  'every accepted object is joined': {
    ...PRODUCTION_RULES,
    decidePrepare: (held, message, node) => {
      const { write, reply } = decidePrepare(held, message, node);
      return { write, reply: joinedWith(reply, held.state.object) };
    },
  },
  'no dirty reject': {
    ...PRODUCTION_RULES,
    decideAccept: (held, message, node) => {
      const { write, reply } = decideAccept({ ...held, record: undefined }, message, node);
      return { write: write && { ...write, record: held.record }, reply };
    },
  },
  'a dirty accept is merged': {
    ...PRODUCTION_RULES,
    decideAccept: (held, message, node) =>
      decideAccept(held, { ...message, object: joinIfAny(held.record, message.object) }, node),
  },
  'an accept does not ask what was promised': {
    ...PRODUCTION_RULES,
    decideAccept: (held, message, node) => {
      const { accepted, chosen } = held.state;
      const promised = highestBallot(accepted, chosen);
      return decideAccept({ ...held, state: { ...held.state, promised } }, message, node);
    },
  },
  'what is known to be chosen is taken for held': {
    ...PRODUCTION_RULES,
    newRound: (options) => new TrustingRound(options),
  },
  'a refusal is answered unwritten': { ...PRODUCTION_RULES, newRound: (options) => new RashRound(options) },
  'a read compares values alone': {
    ...PRODUCTION_RULES,
    newRead: (...parameters) => {
      const read = new LinearizableRead(...parameters);
      return {
        onReply: (from, view) =>
          read.onReply(
            from,
            view && { ...view, accepted: undefined, chosen: undefined, promised: undefined },
          ),
      };
    },
  },
  'a read does not ask what was promised': {
    ...PRODUCTION_RULES,
    newRead: (...parameters) => {
      const read = new LinearizableRead(...parameters);
      return { onReply: (from, view) => read.onReply(from, view && { ...view, promised: undefined }) };
    },
  },
  'a read leaves out what is accepted': {
    ...PRODUCTION_RULES,
    decideRead: (held, message, node) => {
      const { write, reply } = decideRead(held, message, node);
      return { write, reply: reply.type === 'key-view' ? { ...reply, record: held.record } : reply };
    },
  },
  'promises are not durable': {
    ...PRODUCTION_RULES,
    afterRestart: (state) => ({ ...state, promised: state.accepted }),
  },
  'what was accepted is not durable': {
    ...PRODUCTION_RULES,
    afterRestart: (state) => ({ ...state, accepted: state.chosen, object: undefined }),
  },
  'a node without its store votes': { ...PRODUCTION_RULES, newcomersWait: false, storesAreCompared: false },
  'voters are compared by their epoch alone': { ...PRODUCTION_RULES, storesAreCompared: false },
  'a key is forgotten without a floor': { ...PRODUCTION_RULES, floorIsKept: false },
  'collecting a key is no reason to have forgotten a write id': {
    ...PRODUCTION_RULES,
    decidePrepare: (held, message, node) => {
      const { write, reply } = decidePrepare(held, message, node);
      return { write, reply: reply.type === 'promised' ? { ...reply, floor: undefined } : reply };
    },
  },
  'a repeated write is a new one': {
    ...PRODUCTION_RULES,
    writeId: (operation, attempt) => `op${operation}.${attempt}`,
  },
  'a retry fails while its first attempt goes on': { ...PRODUCTION_RULES, retriesAreSettled: false },
  'one round trip beside plain writes': { ...PRODUCTION_RULES, grantsInMixedMode: true },
  'what was promised beforehand is used again': { ...PRODUCTION_RULES, grantsAreTaken: false },
  'an acceptance that comes twice counts twice': {
    ...PRODUCTION_RULES,
    newRound: (options) => new CountingRound(options),
  },
  'every refusal proves that nothing was accepted': {
    ...PRODUCTION_RULES,
    decideAccept: (held, message, node) => {
      const { write, reply } = decideAccept(held, message, node);
      return { write, reply: reply.type === 'rejected' ? { ...reply, accepted: undefined } : reply };
    },
  },
};
