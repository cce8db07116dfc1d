/** What the nemesis does follows from its seed, and stays within what the store promises to bear. */
import { describe, expect, it } from 'vitest';
import { EXCHANGE_TIMEOUT_MS, PEER_SILENCE_MS } from '../../../src/core/limits.ts';
import { seededDraw } from '../../core/causality/seeded-draw.ts';
import {
  type DirectedPair,
  FaultPlan,
  LINK_FAULT_KINDS,
  type PlanOptions,
  type Round,
} from './fault-plan.ts';

const OPTIONS: PlanOptions = {
  nodes: ['n1', 'n2', 'n3', 'n4', 'n5'],
  smallDiskNode: 'n5',
  canFailWrites: true,
};

function roundsOf(seed: number, options: Partial<PlanOptions> = {}, count = 200): readonly Round[] {
  const plan = new FaultPlan({ ...OPTIONS, ...options }, seededDraw(seed));
  return Array.from({ length: count }, () => plan.next());
}

describe('the plan of the nemesis', () => {
  it('follows from the seed', () => {
    expect(roundsOf(7)).toEqual(roundsOf(7));
    expect(roundsOf(7)).not.toEqual(roundsOf(8));
  });

  it('lets no node suffer twice in a round, so that no more than one disk is lost', () => {
    for (const { processes, loss } of roundsOf(1)) {
      const nodes = [...processes.map(({ node }) => node), ...(loss === undefined ? [] : [loss.node])];
      expect(new Set(nodes).size).toBe(nodes.length);
    }
  });

  it('kills all at once only where nothing else happens to processes', () => {
    const killing = roundsOf(2).filter(({ processes }) => processes.some(({ kind }) => kind === 'kill-all'));
    expect(killing).not.toEqual([]);
    for (const { processes, loss } of killing) {
      expect(processes).toHaveLength(1);
      expect(loss).toBeUndefined();
    }
  });

  it('leaves no kind out for long', () => {
    const rounds = roundsOf(3, {}, 30);
    const kinds = (pick: (round: Round) => readonly { readonly kind: string }[]) =>
      [...new Set(rounds.flatMap(pick).map(({ kind }) => kind))].toSorted();
    expect(kinds(({ links }) => links)).toEqual(LINK_FAULT_KINDS.toSorted());
    expect(kinds(({ loss }) => (loss === undefined ? [] : [loss]))).toEqual([
      'flipped-byte',
      'rolled-back',
      'wiped',
    ]);
    expect(kinds(({ processes }) => processes)).toEqual([
      'disk-full',
      'drain',
      'kill',
      'kill-all',
      'kill-loop',
      'long-pause',
      'pause',
      'write-failure',
    ]);
  });

  it('pauses some for longer than anybody waits for them, in every few rounds, with broken links all the while', () => {
    const rounds = roundsOf(6, {}, 300);
    const long = rounds.filter(({ processes }) => processes.some(({ kind }) => kind === 'long-pause'));
    expect(long.length).toBeGreaterThan(rounds.length / 10);
    // Most of the time is left to everything else.
    expect(long.length).toBeLessThan(rounds.length / 4);
    for (const { links, processes } of long) {
      const { afterMs = 0, forMs = 0 } = processes.find(({ kind }) => kind === 'long-pause') ?? {};
      expect(forMs).toBeGreaterThan(Math.max(PEER_SILENCE_MS, EXCHANGE_TIMEOUT_MS));
      expect(links.reduce((sum, link) => sum + link.forMs, 0)).toBeGreaterThanOrEqual(afterMs + forMs);
    }
  });

  it('leaves out what the machine does not allow', () => {
    const kinds = roundsOf(4, { smallDiskNode: undefined, canFailWrites: false }).flatMap(({ processes }) =>
      processes.map(({ kind }) => kind),
    );
    expect(kinds).not.toContain('disk-full');
    expect(kinds).not.toContain('write-failure');
    expect(kinds).toContain('kill');
  });

  it('leaves a bridge between two halves, and two neighbours to each node of a ring', () => {
    const links = roundsOf(5).flatMap((round) => round.links);
    const heardBy = (of: string): readonly string[] => [
      ...new Set(links.filter(({ kind }) => kind === of).map(({ pairs }) => countsOfHeard(pairs))),
    ];
    expect(heardBy('bridge')).toEqual(['2,2,2,2,4']);
    expect(heardBy('ring')).toEqual(['2,2,2,2,2']);
  });
});

/** How many others each node still reaches, in order of size. */
function countsOfHeard(pairs: readonly DirectedPair[]): string {
  const counts = OPTIONS.nodes.map((node) => 4 - pairs.filter(([from]) => from === node).length);
  return counts.toSorted((left, right) => left - right).join();
}
