/**
 * Probabilistically bounded staleness (Bailis, Venkataraman, Franklin, Hellerstein and Stoica, "Probabilistically Bounded Staleness
 * for Practical Partial Quorums", VLDB 2012): how fresh reads of partial quorums are to be expected.
 *
 * The closed form of section 3.1 is for a store in which each version reaches W replicas drawn at random, and no other until
 * a read comes. A store that sends every write to all N does better the later one reads; for that there is the model of section
 * 3.4, WARS: each message takes a time drawn from its distribution, and which replicas have the write when the read arrives is
 * simulated.
 */

/** Replicas of a key, and how many of them a read and a write wait for. */
export interface Quorums {
  readonly n: number;
  readonly r: number;
  readonly w: number;
}

/**
 * The probability that a read shows one of the newest `versions` versions, 0 to 1: 1 - (C(N-W, R) / C(N, R))^k. Equation 2.
 * It is 1 for every strict quorum (R + W > N).
 */
export function freshWithin(versions: number, { n, r, w }: Quorums): number {
  return 1 - (choose(n - w, r) / choose(n, r)) ** versions;
}

function choose(from: number, count: number): number {
  let ways = 1;
  for (let taken = 0; taken < count; taken += 1) ways *= (from - taken) / (taken + 1);
  return Math.max(0, ways);
}

/** Draws the time that one step takes, milliseconds. */
export type Delay = () => number;

/** The steps of a write and a read at one replica (section 3.4). `isLocal`: the replica is the coordinator itself. */
export interface StepDelays {
  /** W: until the replica has stored the write. */
  readonly write: (isLocal: boolean) => number;
  /** A: until the coordinator has the acknowledgement. */
  readonly acknowledge: (isLocal: boolean) => number;
  /** R: until the replica has the question. */
  readonly read: (isLocal: boolean) => number;
  /** From the coordinator's acknowledgement to the client and from there to the coordinator of the read. */
  readonly turnaround: Delay;
  /** 0 to 1, evenly. */
  readonly random: Delay;
}

/**
 * The probability that a read which begins `afterMs` after the acknowledgement of a write shows it, 0 to 1, by `trials` trials.
 *
 * A write goes to all N at once and is acknowledged with the W-th reply, that of its coordinator among them. A read is
 * coordinated by a home replica drawn at random, which asks itself and R-1 others drawn at random, as Quorate does when nothing
 * is late. (In the paper a read goes to all N, and the first R replies count; so S, the way of the answer, matters there, and not here.)
 */
export function freshAfter(afterMs: number, quorums: Quorums, delays: StepDelays, trials: number): number {
  let fresh = 0;
  for (let trial = 0; trial < trials; trial += 1) if (isFresh(afterMs, quorums, delays)) fresh += 1;
  return fresh / trials;
}

function isFresh(afterMs: number, { n, r, w }: Quorums, delays: StepDelays): boolean {
  // Replica 0 coordinates the write.
  const isLocal = (replica: number): boolean => replica === 0;
  const storedMs = Array.from({ length: n }, (_, replica) => delays.write(isLocal(replica)));
  const acknowledgedMs = storedMs.map((stored, replica) => stored + delays.acknowledge(isLocal(replica)));
  const answeredMs = acknowledgedMs.toSorted((one, other) => one - other)[w - 1] ?? 0;
  const beginsMs = answeredMs + afterMs + delays.turnaround();
  const [coordinator = 0, ...others] = shuffled(n, delays.random);
  const asked = [coordinator, ...others.slice(0, r - 1)];
  return asked.some((replica) => {
    return (storedMs[replica] ?? 0) <= beginsMs + delays.read(replica === coordinator);
  });
}

/** The numbers below `count` in an order drawn at random. */
function shuffled(count: number, random: Delay): readonly number[] {
  const numbers = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const place = Math.floor(random() * (last + 1));
    [numbers[last], numbers[place]] = [numbers[place] ?? 0, numbers[last] ?? 0];
  }
  return numbers;
}
