/** The queue of a key by itself: acceptors that answer when a test says so. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Incarnation, NodeId, StoreId } from '../../../src/core/ids.ts';
import { ROUND_TIMEOUT_MS } from '../../../src/core/limits.ts';
import { BallotClock } from '../../../src/core/paxos/ballot.ts';
import type { Voters } from '../../../src/core/paxos/messages.ts';
import type { PaxosReply, PaxosRequest } from '../../../src/core/paxos/peer-messages.ts';
import { Deadline } from '../../../src/protocol/coordinator/deadline.ts';
import type { Acceptors, OnPaxosReply } from '../../../src/protocol/paxos/acceptors.ts';
import { Grants } from '../../../src/protocol/paxos/grants.ts';
import { KnownObjects } from '../../../src/protocol/paxos/known-objects.ts';
import { KeyQueue } from '../../../src/protocol/paxos/key-queue.ts';
import { type ConditionalResult, WaitingRequest } from '../../../src/protocol/paxos/waiting-request.ts';
import { Promptness } from '../../../src/protocol/paxos/promptness.ts';
import { HedgePolicy } from '../../../src/core/quorum/hedge-policy.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { recordOf } from '../../core/causality/sample-records.ts';
import { ballot } from '../../core/paxos/stage.ts';
import { paxosDot } from '../../../src/core/causality/dot.ts';
import { casOf, linearizableOf } from '../requests.ts';
import { TestClock } from './test-clock.ts';

const HOMES = ['n1', 'n2', 'n3'] as const as readonly string[] as readonly NodeId[];
const VOTERS = 'all' as Voters;
const ENTRY = { bucket: 'ledger', key: 'k' };
const NAME = 'ledger\0k';
/** Nothing was ever accepted. */
const NOTHING: PaxosReply = {
  type: 'paxos-read',
  reply: {
    ...{ type: 'key-view', voters: VOTERS, promised: undefined, accepted: undefined, chosen: undefined },
    digest: undefined,
    record: undefined,
  },
};

const PROMISED: PaxosReply = {
  type: 'paxos-prepare',
  reply: {
    ...{ type: 'promised', voters: VOTERS, accepted: undefined, object: undefined, chosen: undefined },
    ...{ record: undefined, promisedBefore: undefined, floor: undefined },
  },
};
const ACCEPTED: PaxosReply = { type: 'paxos-accept', reply: { type: 'accepted', voters: VOTERS } };

interface Asked {
  readonly request: PaxosRequest;
  readonly onReply: OnPaxosReply;
}

/** A queue of a key in a bucket of mode `cas`, and what it asks of acceptors. */
function queueOf(
  clock: Clock,
  grants: Grants,
): { readonly queue: KeyQueue; readonly asked: readonly Asked[] } {
  const asked: Asked[] = [];
  const acceptors: Pick<Acceptors, 'self' | 'isUp' | 'ask'> = {
    self: HOMES[0] as NodeId,
    isUp: () => true,
    ask: (_node, request, onReply) => asked.push({ request, onReply }),
  };
  const ports = {
    ...{ clock, preciseClock: clock, grants, acceptors: acceptors as Acceptors },
    knownObjects: new KnownObjects(8),
    hedging: new HedgePolicy(),
    promptness: new Promptness(),
    ballots: new BallotClock(HOMES[0] as NodeId, 'incarnation-of-n1-aaaaA' as Incarnation),
    random: { fraction: () => 0, bytes: (count: number) => new Uint8Array(count) },
    tracer: { trace: () => {} },
    standingOn: () => ({
      ...({ type: 'voter', voters: VOTERS, isNewcomer: false } as const),
      ...{ stores: new Map<NodeId, StoreId>(), store: 's' as StoreId },
    }),
    floorOf: () => undefined,
    commit: () => {},
  };
  const queue = new KeyQueue(ports, { entry: ENTRY, name: NAME, mode: 'cas', homes: HOMES });
  return { queue, asked };
}

describe('a write that was answered while what is there was read', () => {
  it('is not proposed any more', async () => {
    const clock = new TestClock();
    const grants = new Grants(8);
    // By what was promised beforehand the key is there, so that a create seems to fail.
    const object = recordOf(paxosDot(ballot(1)), 'there');
    grants.keep(
      NAME,
      { ballot: ballot(2), voters: VOTERS, object, floor: undefined, promisedBy: [] },
      clock.nowMs(),
    );
    const { queue, asked } = queueOf(clock, grants);
    let result: ConditionalResult | undefined;
    const request = casOf(ENTRY, 'new', { ifMatch: 'absent', timeoutMs: 100 });
    const options = { mustPropose: false, isForwarded: false, takenAtMs: 0, floorMs: 0, knownMs: 0 };
    queue.add(
      new WaitingRequest(request, new Deadline(clock, 100), {
        ...options,
        resolve: (given) => (result = given),
      }),
    );
    let isEmpty = false;
    void queue.run(() => (isEmpty = true));
    expect(asked.map(({ request: { type } }) => type)).toEqual(['paxos-read']);
    // The first answers in time, the others after the deadline: in truth nothing is there.
    asked[0]?.onReply(NOTHING);
    clock.advance(101);
    expect(result).toMatchObject({ type: 'failed', certainty: 'not-applied' });
    for (const { onReply } of asked.slice(1)) onReply(NOTHING);
    await setImmediate();
    expect(asked.map(({ request: { type } }) => type)).toEqual(['paxos-read', 'paxos-read', 'paxos-read']);
    expect(isEmpty).toBe(true);
  });
});

describe('the next round', () => {
  /** A queue in which a request waits that only rounds can answer, and another one with `add`. */
  function begin(): ReturnType<typeof queueOf> & { readonly clock: TestClock; readonly add: () => void } {
    const clock = new TestClock();
    const { queue, asked } = queueOf(clock, new Grants(8));
    const add = (): void => {
      const times = { takenAtMs: 0, floorMs: 0, knownMs: 0 };
      const options = { mustPropose: true, isForwarded: false, ...times, resolve: () => {} };
      queue.add(new WaitingRequest(linearizableOf(ENTRY, 60_000), new Deadline(clock, 60_000), options));
    };
    add();
    void queue.run(() => {});
    return { clock, queue, asked, add };
  }

  /** Milliseconds until all that was asked is given up, and others are asked. */
  async function patience(clock: TestClock, asked: readonly Asked[]): Promise<number> {
    const [beganMs, { length }] = [clock.nowMs(), asked];
    while (asked.length === length) {
      clock.advance(10);
      await setImmediate();
    }
    return Math.floor((clock.nowMs() - beganMs) / ROUND_TIMEOUT_MS);
  }

  it('may take twice as long after one that ran out of time, until one succeeds', async () => {
    const { clock, queue, asked, add } = begin();
    expect(await patience(clock, asked)).toBe(1);
    expect(await patience(clock, asked)).toBe(2);
    expect([await patience(clock, asked), queue.isSlow]).toEqual([4, true]);
    add();
    for (const { onReply } of asked.slice(-3)) onReply(PROMISED);
    for (const { onReply } of asked.slice(-3)) onReply(ACCEPTED);
    await setImmediate();
    expect(queue.isSlow).toBe(false);
    expect(await patience(clock, asked)).toBe(1);
  });

  it('may take less time after one in which somebody could not be reached, who may be back by then', async () => {
    const { clock, queue, asked } = begin();
    const rounds: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      asked.at(-1)?.onReply(undefined);
      rounds.push(await patience(clock, asked));
    }
    expect(rounds).toEqual([1, 2, 4, 4, 4]);
    expect(queue.isSlow).toBe(true);
  });

  it('may take no longer after one that was lost at once, as nobody can be reached', async () => {
    const { clock, queue, asked } = begin();
    for (let rounds = 0; rounds < 5; rounds += 1) {
      for (const { onReply } of asked.slice(-3)) onReply(undefined);
      await setImmediate();
      expect(await patience(clock, asked)).toBe(0);
    }
    expect(queue.isSlow).toBe(false);
    expect(await patience(clock, asked)).toBe(1);
  });
});
