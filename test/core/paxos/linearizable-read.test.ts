import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../../src/core/ids.ts';
import { type ComparedView, LinearizableRead } from '../../../src/core/paxos/linearizable-read.ts';
import type { Voters } from '../../../src/core/paxos/messages.ts';
import { ballot } from './stage.ts';

const VOTERS = 'all' as Voters;
const NODES = ['A', 'B', 'C', 'D', 'E'] as NodeId[];
const [A, B, C, D, E] = NODES as [NodeId, NodeId, NodeId, NodeId, NodeId];

function view(more: Partial<ComparedView> = {}): ComparedView {
  return {
    voters: VOTERS,
    promised: ballot(1),
    accepted: ballot(1),
    chosen: undefined,
    digest: 'd1',
    ...more,
  };
}

function read(nodes: number, mode: 'mixed' | 'cas' = 'mixed'): LinearizableRead {
  const acceptors = NODES.slice(0, nodes);
  return new LinearizableRead({ voters: VOTERS, acceptors, quorum: Math.floor(nodes / 2) + 1, mode });
}

describe('a linearizable read', () => {
  it('is settled by a quorum that accepted and holds the same, whatever the others say', () => {
    const reading = read(5);
    expect(reading.onReply(D, view({ digest: 'other' }))).toEqual({ type: 'wait' });
    expect(reading.onReply(A, view())).toEqual({ type: 'wait' });
    expect(reading.onReply(B, view())).toEqual({ type: 'wait' });
    expect(reading.onReply(E, view())).toEqual({ type: 'settled', node: A });
  });

  it('is settled where nothing was ever accepted or promised', () => {
    const reading = read(3);
    const untouched = view({ promised: undefined, accepted: undefined });
    reading.onReply(A, untouched);
    expect(reading.onReply(B, untouched)).toEqual({ type: 'settled', node: A });
  });

  it('is settled by one that was told of a ballot, and others that accepted it', () => {
    const reading = read(3);
    const told = view({ promised: undefined, accepted: undefined, chosen: ballot(1) });
    expect(reading.onReply(C, told)).toEqual({ type: 'wait' });
    expect(reading.onReply(B, view())).toEqual({ type: 'settled', node: C });
  });

  it('needs a round where one that was told has accepted something above it', () => {
    const reading = read(3);
    reading.onReply(A, view({ promised: ballot(2), accepted: ballot(2), chosen: ballot(1) }));
    reading.onReply(B, view());
    const told = view({ promised: ballot(2), accepted: undefined, chosen: ballot(1) });
    expect(reading.onReply(C, told)).toEqual({ type: 'round-needed' });
  });

  it('does not mind promises where there are no plain writes', () => {
    const promised = view({ promised: ballot(2) });
    const [mixed, cas] = [read(3), read(3, 'cas')];
    for (const reading of [mixed, cas]) reading.onReply(A, promised);
    expect(cas.onReply(B, promised)).toEqual({ type: 'settled', node: A });
    expect(mixed.onReply(B, promised)).toEqual({ type: 'round-needed' });
  });

  it('counts a node once', () => {
    const reading = read(3);
    reading.onReply(A, view());
    expect(reading.onReply(A, view())).toEqual({ type: 'wait' });
    expect(reading.onReply('Z' as NodeId, view())).toEqual({ type: 'wait' });
  });

  it.each([
    ['holds something else', view({ digest: 'other' })],
    ['accepted something equal under another ballot', view({ accepted: ballot(2), promised: ballot(2) })],
    ['has promised a higher ballot', view({ promised: ballot(2) })],
    ['knows other voters', view({ voters: 'others' as Voters })],
    ['does not answer', undefined],
  ])('needs a round if there is no quorum without one that %s', (_, other) => {
    const reading = read(3);
    reading.onReply(A, view());
    expect(reading.onReply(B, other)).toEqual({ type: 'wait' });
    expect(reading.onReply(C, other === undefined ? other : { ...other, digest: 'third' })).toEqual({
      type: 'round-needed',
    });
  });

  it('needs a round if a promise is open, even where nothing was accepted', () => {
    const reading = read(3);
    const promised = view({ promised: ballot(1), accepted: undefined });
    reading.onReply(A, promised);
    expect(reading.onReply(B, promised)).toEqual({ type: 'round-needed' });
  });
});
