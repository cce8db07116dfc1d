import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../../src/core/ids.ts';
import { HEDGE_DELAY_MS, HEDGE_LATEST_MS, LATE_FOR_MS, MAX_SAVED_HEDGES } from '../../../src/core/limits.ts';
import { HedgePolicy } from '../../../src/core/quorum/hedge-policy.ts';
import { Asking } from '../../../src/protocol/paxos/asking.ts';
import { Promptness } from '../../../src/protocol/paxos/promptness.ts';
import { TestClock } from './test-clock.ts';

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5'] as NodeId[];
const [N1, N2, N3] = NODES as [NodeId, NodeId, NodeId];

interface Begun {
  readonly asking: Asking;
  readonly asked: readonly NodeId[];
  readonly clock: TestClock;
  readonly promptness: Promptness;
}

function begin(count: number, { hedging = new HedgePolicy(), patienceMs = 1_000 } = {}): Begun {
  const clock = new TestClock();
  const promptness = new Promptness();
  const asked: NodeId[] = [];
  const target = { nodes: NODES, count, patienceMs };
  const asking = new Asking({ clock, hedging, promptness }, target, (node) => asked.push(node));
  asking.start();
  return { asking, asked, clock, promptness };
}

/** One that may not ask others early any more. */
function spent(): HedgePolicy {
  const hedging = new HedgePolicy();
  for (let saved = 0; saved < MAX_SAVED_HEDGES; saved += 1) hedging.allows(0);
  return hedging;
}

describe('a phase of a round', () => {
  it('asks as many as it needs, and no more while they answer', () => {
    const { asking, asked } = begin(3);
    expect(asked).toEqual(['n1', 'n2', 'n3']);
    asking.answered(N1, 'yes');
    asking.answered(N2, 'yes');
    expect(asking.unasked).toEqual(['n4', 'n5']);
    asking.end();
    asking.answered(N3, 'yes');
    expect(asked).toEqual(['n1', 'n2', 'n3']);
  });

  it('asks the next one in the place of each that fails, at once', () => {
    const { asking, asked } = begin(3);
    asking.answered(N2, 'failed');
    expect(asked).toEqual(['n1', 'n2', 'n3', 'n4']);
    asking.answered(N1, 'failed');
    expect(asked).toEqual(NODES);
  });

  it('asks nobody in the place of one that somebody else has overtaken, until all have answered and it still goes on', () => {
    const { asking, asked } = begin(3);
    asking.answered(N2, 'overtaken');
    asking.answered(N1, 'overtaken');
    expect(asked).toEqual(['n1', 'n2', 'n3']);
    asking.answered(N3, 'yes');
    expect(asked).toEqual(NODES);
  });

  it('asks all others when all have answered and it still goes on', () => {
    const { asking, asked } = begin(3);
    for (const node of [N1, N2, N3]) asking.answered(node, 'yes');
    expect(asked).toEqual(NODES);
    expect(asking.unasked).toEqual([]);
  });

  it('asks the others when one is late, which is asked after others for a while', () => {
    const { asking, asked, clock, promptness } = begin(3);
    asking.answered(N1, 'yes');
    asking.answered(N3, 'yes');
    clock.advance(HEDGE_DELAY_MS - 1);
    expect(asked).toHaveLength(3);
    clock.advance(1);
    expect(asked).toEqual(NODES);
    expect(NODES.filter((node) => promptness.isLate(node, clock.nowMs()))).toEqual([N2]);
    clock.advance(LATE_FOR_MS);
    expect(promptness.isLate(N2, clock.nowMs())).toBe(false);
  });

  it('does so later where too many are late, sooner where there is little time, and never once it has ended', () => {
    const waiting = begin(3, { hedging: spent() });
    const hurried = begin(3, { hedging: spent(), patienceMs: HEDGE_DELAY_MS / 2 });
    const ended = begin(3, { hedging: spent() });
    ended.asking.end();
    hurried.clock.advance(HEDGE_DELAY_MS / 2);
    expect(hurried.asked).toEqual(NODES);
    for (const { clock } of [waiting, ended]) clock.advance(HEDGE_LATEST_MS - 1);
    expect(waiting.asked).toHaveLength(3);
    for (const { clock } of [waiting, ended]) clock.advance(1);
    expect(waiting.asked).toEqual(NODES);
    expect(ended.asked).toHaveLength(3);
    expect(ended.asking.unasked).toEqual(['n4', 'n5']);
  });

  it('needs nothing of what hedges may cost where it is known already who is late', () => {
    const known = begin(3, { hedging: spent() });
    for (const node of [N1, N3]) known.asking.answered(node, 'yes');
    known.promptness.noteLate(N2, known.clock.nowMs());
    known.clock.advance(HEDGE_DELAY_MS);
    expect(known.asked).toEqual(NODES);
  });

  it('takes none for late that was asked a moment ago in the place of another one', () => {
    const { asking, asked, clock, promptness } = begin(3);
    clock.advance(HEDGE_DELAY_MS - 1);
    asking.answered(N1, 'failed');
    expect(asked).toEqual(['n1', 'n2', 'n3', 'n4']);
    asking.answered(N3, 'yes');
    clock.advance(1);
    expect(asked).toEqual(NODES);
    expect(NODES.filter((node) => promptness.isLate(node, clock.nowMs()))).toEqual([N2]);
  });

  it('takes nothing from what hedges may cost when all are asked already', () => {
    const hedging = new HedgePolicy();
    const { asking, clock } = begin(3, { hedging });
    for (const node of [N1, N2, N3]) asking.answered(node, 'yes');
    clock.advance(HEDGE_LATEST_MS);
    let left = 0;
    while (hedging.allows(0)) left += 1;
    expect(left).toBe(MAX_SAVED_HEDGES);
  });

  it('asks all at once where all are wanted', () => {
    expect(begin(NODES.length).asked).toEqual(NODES);
  });
});
