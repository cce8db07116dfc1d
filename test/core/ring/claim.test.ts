import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claim } from '../../../src/core/ring/claim.ts';
import { evenShares, zoneBounds } from '../../../src/core/ring/zone-spread.ts';
import type { NodeId } from '../../../src/core/ids.ts';

type Member = { readonly id: NodeId; readonly zone: string };
type Lists = readonly (readonly NodeId[])[];

interface Case {
  /** Nodes per zone. */
  readonly sizes: readonly number[];
  readonly members: readonly Member[];
  readonly partitions: number;
  readonly n: number;
}

function caseOf(sizes: readonly number[], partitions: number, n: number, salt: string): Case {
  const zones = sizes.flatMap((size, zone) => Array<string>(size).fill(`zone ${zone}`));
  const members = zones.map((zone, index) => ({ id: `${salt}${index}` as NodeId, zone }));
  return { sizes, members, partitions, n: Math.min(n, members.length) };
}

function cases(sizes: fc.Arbitrary<readonly number[]>): fc.Arbitrary<Case> {
  return fc
    .tuple(
      sizes,
      fc.constantFrom(8, 32, 64, 128),
      fc.integer({ min: 1, max: 6 }),
      fc.stringMatching(/^[a-z]{1,4}$/),
    )
    .map((drawn) => caseOf(...drawn));
}

/** Up to five zones of up to five nodes. */
const anySizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 });
const oneZone = fc.integer({ min: 1, max: 9 }).map((size) => [size]);
const zoneEach = fc.integer({ min: 1, max: 9 }).map((size) => Array<number>(size).fill(1));
const equalZones = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }))
  .map(([zones, size]) => Array<number>(zones).fill(size));

function loadsOf(lists: Lists, members: readonly Member[], count: number): readonly number[] {
  const loads = new Map(members.map(({ id }) => [id, 0]));
  for (const list of lists) for (const id of list.slice(0, count)) loads.set(id, (loads.get(id) ?? 0) + 1);
  return [...loads.values()];
}

function spread(loads: readonly number[]): number {
  return Math.max(...loads) - Math.min(...loads);
}

/** How far each node's load in the first `count` places is beyond its share, rounded either way. */
function deviations(lists: Lists, { sizes, members, partitions }: Case, count: number): readonly number[] {
  const shares = evenShares(sizes, zoneBounds(sizes, count), partitions, count);
  const shareOf = sizes.flatMap((size, zone) => Array<number>(size).fill(zone)).map((zone) => shares[zone]);
  return loadsOf(lists, members, count).map((load, index) => {
    const { replicas, nodes } = shareOf[index] as { replicas: number; nodes: number };
    return Math.max(Math.floor(replicas / nodes) - load, load - Math.ceil(replicas / nodes), 0);
  });
}

describe('the claim of partitions', () => {
  it('gives each partition a list in which each member stands once', () => {
    fc.assert(
      fc.property(cases(anySizes), (drawn) => {
        const ids = drawn.members
          .map(({ id }) => id)
          .toSorted()
          .join();
        const lists = claim(drawn).map((list) => list.toSorted().join());
        expect(lists).toEqual(Array<string>(drawn.partitions).fill(ids));
      }),
    );
  });

  it('does not depend on the order of the members', () => {
    const shuffled = cases(anySizes).chain((drawn) =>
      fc.tuple(
        fc.constant(drawn),
        fc.shuffledSubarray([...drawn.members], { minLength: drawn.members.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([drawn, members]) => {
        expect(claim({ ...drawn, members })).toEqual(claim(drawn));
      }),
      { numRuns: 50 },
    );
  });

  it('does not depend on their order even where every partition likes two of them alike', () => {
    // The affinities of these two names are the same: their 32-bit hashes collide.
    const members = ['saes91', 'bmsevs', 'n3', 'n4'].map((id) => ({ id: id as NodeId, zone: 'a' }));
    const lists = claim({ partitions: 64, members, n: 2 });
    expect(claim({ partitions: 64, members: members.toReversed(), n: 2 })).toEqual(lists);
    expect(spread(loadsOf(lists, members, 2))).toBe(0);
  });

  it('does not depend on what zones are called', () => {
    const { members, partitions, n } = caseOf([2, 3, 1], 64, 3, 'n');
    const renamed = members.map(({ id, zone }) => ({ id, zone: `${zone} of another name` }));
    expect(claim({ members: renamed, partitions, n })).toEqual(claim({ members, partitions, n }));
  });

  it('spreads every prefix of a list over as many zones as it can', () => {
    fc.assert(
      fc.property(cases(anySizes), (drawn) => {
        const lists = claim(drawn);
        for (let count = 1; count <= drawn.members.length; count += 1) {
          const bad = lists.find((list) => !isSpread(list.slice(0, count), drawn));
          expect(bad, `the first ${count}`).toBeUndefined();
        }
      }),
      { numRuns: 50 },
    );
  });

  function isSpread(prefix: readonly NodeId[], { sizes, members }: Case): boolean {
    const { least, most } = zoneBounds(sizes, prefix.length);
    const zoneOf = new Map(members.map(({ id, zone }) => [id, zone]));
    const zones = prefix.map((id) => zoneOf.get(id));
    const counts = sizes.map((_, zone) => zones.filter((each) => each === `zone ${zone}`).length);
    const areInBounds = counts.every((each, zone) => each >= (least[zone] ?? 0) && each <= (most[zone] ?? 0));
    return areInBounds && new Set(zones).size === Math.min(prefix.length, sizes.length);
  }
});

describe('ownership of home replicas', () => {
  it('differs by at most one partition between all nodes of equal zones', () => {
    fc.assert(
      fc.property(cases(fc.oneof(oneZone, zoneEach, equalZones)), (drawn) => {
        expect(spread(loadsOf(claim(drawn), drawn.members, drawn.n))).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('is the even share, rounded up or down, whatever the zones', () => {
    fc.assert(
      fc.property(cases(anySizes), (drawn) => {
        expect(Math.max(...deviations(claim(drawn), drawn, drawn.n))).toBe(0);
      }),
    );
  });

  it('differs by at most one partition between nodes of equally large zones', () => {
    fc.assert(
      fc.property(cases(anySizes), (drawn) => {
        const loads = loadsOf(claim(drawn), drawn.members, drawn.n);
        const sizeOf = drawn.sizes.flatMap((size) => Array<number>(size).fill(size));
        for (const size of new Set(drawn.sizes)) {
          expect(spread(loads.filter((_, index) => sizeOf[index] === size))).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('the first places of the home replicas', () => {
  it('are shared to within two partitions, in one zone or in at least n equal ones', () => {
    const enoughZones = cases(fc.oneof(oneZone, zoneEach, equalZones)).filter(
      ({ sizes, n }) => sizes.length === 1 || sizes.length >= n,
    );
    fc.assert(
      fc.property(enoughZones, (drawn) => {
        const lists = claim(drawn);
        for (let count = 1; count <= drawn.n; count += 1) {
          expect(spread(loadsOf(lists, drawn.members, count))).toBeLessThanOrEqual(2);
        }
      }),
    );
  });

  it('are shared to within a few partitions whatever the zones', () => {
    fc.assert(
      fc.property(cases(anySizes), (drawn) => {
        const lists = claim(drawn);
        for (let count = 1; count < drawn.n; count += 1) {
          const slack = 2 + (drawn.partitions * count) / drawn.members.length / 25;
          expect(Math.max(...deviations(lists, drawn, count))).toBeLessThanOrEqual(slack);
        }
      }),
    );
  });
});

describe('one more node', () => {
  /** Replicas that the new node receives, and those that move between the others. */
  function movement(drawn: Case, zone: number): { readonly received: number; readonly besides: number } {
    const added: Member = { id: 'new' as NodeId, zone: `zone ${zone}` };
    const before = claim(drawn);
    const after = claim({ ...drawn, members: [...drawn.members, added] });
    const moves = after.flatMap((list, partition) =>
      list.slice(0, drawn.n).filter((id) => before[partition]?.slice(0, drawn.n).includes(id) !== true),
    );
    const received = moves.filter((id) => id === added.id).length;
    return { received, besides: moves.length - received };
  }

  it('receives its share, and little else moves, in one zone or with a zone of its own', () => {
    fc.assert(
      fc.property(
        cases(
          fc.oneof(
            oneZone,
            zoneEach.filter((sizes) => sizes.length > 1),
          ),
        ),
        (drawn) => {
          const nodes = drawn.members.length;
          const { received, besides } = movement(drawn, drawn.sizes.length === 1 ? 0 : drawn.sizes.length);
          const share = (drawn.partitions * drawn.n) / (nodes + 1);
          expect(received).toBeGreaterThanOrEqual(Math.floor(share));
          expect(received).toBeLessThanOrEqual(Math.ceil(share));
          expect(besides).toBeLessThanOrEqual(received / 3 + nodes);
        },
      ),
    );
  });

  it('moves at most as much again between the others where zones change their shares', () => {
    const additions = cases(anySizes).chain((drawn) =>
      fc.tuple(fc.constant(drawn), fc.nat(drawn.sizes.length)),
    );
    fc.assert(
      fc.property(additions, ([drawn, zone]) => {
        const { received, besides } = movement(drawn, zone);
        expect(besides).toBeLessThanOrEqual(received + drawn.members.length);
      }),
    );
  });

  it('moves about partitions * n / (nodes + 1) replicas of the usual cluster', () => {
    for (const nodes of [3, 4, 5, 6, 8, 12]) {
      const drawn = caseOf([nodes], 256, 3, 'n');
      const { received, besides } = movement(drawn, 0);
      expect(received + besides).toBeLessThanOrEqual(((256 * 3) / (nodes + 1)) * 1.2);
    }
  });
});
