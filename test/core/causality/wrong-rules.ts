/** Rules that look right and are not. Each loses a write, revives one or shows one twice; the tests must notice. */
import {
  type CausalContext,
  contextFrom,
  EMPTY_CONTEXT,
  withDot,
} from '../../../src/core/causality/causal-context.ts';
import type { Dot } from '../../../src/core/causality/dot.ts';
import { joinRecords } from '../../../src/core/causality/join.ts';
import { isAheadOn, mintDot, recordOfWrite } from '../../../src/core/causality/mint.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { PRODUCTION_RULES, type ReplicaRules, rulesWith } from './replica-model.ts';

const never = (): boolean => false;

export const WRONG_RULES: Readonly<Record<string, ReplicaRules>> = {
  'a counter without epochs': rulesWith({
    mintDot: (local, incarnation) => mintDot(local, incarnation, () => 1),
  }),
  'the incarnation of before at every start': { ...PRODUCTION_RULES, renewsIncarnationAtStart: false },
  'no look at whether a peer knows more of this incarnation': { ...PRODUCTION_RULES, isAheadOn: never },
  'no look at whether a client knows more of this incarnation': {
    ...rulesWith({ isAheadOn: never }),
    isAheadOn,
  },
  'a join that keeps two siblings at most': rulesWith({
    joinRecords: (left, right) => {
      const joined = joinRecords(left, right);
      return { ...joined, siblings: joined.siblings.slice(-2) };
    },
  }),
  'a join by the larger context alone': rulesWith({ joinRecords: keepLarger }),
  'a join that lets aliases live on alone': rulesWith({
    joinRecords: (left, right) => ({
      ...joinRecords({ ...left, writes: [] }, { ...right, writes: [] }),
      writes: joinRecords(left, right).writes,
    }),
  }),
  'a write id that stands for its event whatever the client had seen': rulesWith({
    recordOfWrite: (write) => {
      const record = recordOfWrite(write);
      return { ...record, writes: record.writes.map((each) => ({ ...each, seenDigest: 0 })) };
    },
  }),
  'an answer whose context covers all siblings': {
    ...PRODUCTION_RULES,
    answerContext: (_seen, _written, { context }) => context,
  },
  'an answer whose context is a version vector': {
    ...PRODUCTION_RULES,
    answerContext: (seen, written) => withoutHoles(withDot(seen ?? EMPTY_CONTEXT, written), written),
  },
  'an answer whose context is the new dot alone': {
    ...PRODUCTION_RULES,
    answerContext: (_seen, written) => withDot(EMPTY_CONTEXT, written),
  },
  'writes that supersede nothing': rulesWith({
    recordOfWrite: (write) => recordOfWrite({ ...write, seen: undefined }),
  }),
};

function keepLarger(left: KeyRecord, right: KeyRecord): KeyRecord {
  const joined = joinRecords(left, right);
  const larger = left.context.vector.size >= right.context.vector.size ? left : right;
  return { ...joined, siblings: larger.siblings };
}

/** All that the actor of a dot issued up to it, instead of that dot. */
function withoutHoles({ vector, cloud }: CausalContext, { actor, counter }: Dot): CausalContext {
  const filled = contextFrom([[actor, counter, []]]) as CausalContext;
  return {
    vector: new Map([...vector, ...filled.vector]),
    cloud: new Map([...cloud].filter(([each]) => each !== actor)),
  };
}
