/**
 * The oracle of random histories: which writes must be live at the end, from what their clients had really seen. It
 * knows nothing of dots, contexts and joins.
 *
 * An event is one write of a client. Each coordinator that takes it makes a mint of it. An event is live iff no other
 * event's client had seen it, and with it all that this client's sources had seen.
 */
import type { CausalContext } from '../../../src/core/causality/causal-context.ts';
import type { SiblingContent } from '../../../src/core/causality/record.ts';

/** Sets of mints are bit masks: bit i is the i-th dot minted in this history. */
export type Mints = number;

/** What a client brings along with a write. */
export interface Knowledge {
  readonly context: CausalContext | undefined;
  /** What it had really seen, and what the clients that wrote that had seen, and so on. */
  readonly seen: Mints;
}

const ALL_MINTS: Mints = ~0;

export interface Request extends Knowledge {
  /** One per coordinator that took it. */
  mints: Mints;
}

export interface Event {
  readonly number: number;
  readonly content: SiblingContent;
  readonly writeId: string | undefined;
  /** The first one, and one for each time that it was repeated with another context. */
  readonly requests: Request[];
}

export interface Judgement {
  readonly expected: ReadonlySet<Event>;
  readonly undecided: ReadonlySet<Event>;
}

/** One mint: the event it is of, and what that event's client had seen when it asked for it. */
export interface Mint {
  readonly event: Event;
  readonly seen: Mints;
}

/**
 * Which events must be live once all replicas know all that any of them knows, and which may be. `known` are the mints
 * that some replica knows: what all of them lost neither lives nor supersedes anything.
 */
export function judge(events: readonly Event[], mints: readonly Mint[], known: Mints): Judgement {
  const expected = new Set<Event>();
  const undecided = new Set<Event>();
  for (const event of events) {
    const seenByOthers = mints.reduce(
      (seen, mint, number) => (mint.event !== event && isIn(number, known) ? seen | mint.seen : seen),
      0,
    );
    const requests = event.requests.filter((request) => (request.mints & known) !== 0);
    if (requests.length > countSuperseded(requests, seenByOthers, ALL_MINTS)) expected.add(event);
    else if (requests.length > countSuperseded(requests, seenByOthers, known)) undecided.add(event);
  }
  return { expected, undecided };
}

export function findLost(shown: ReadonlySet<Event>, { expected }: Judgement): string | undefined {
  const lost = [...expected].filter((event) => !shown.has(event));
  return lost.length === 0 ? undefined : `lost: ${lost.map(nameOf).join(', ')}`;
}

export function findRevived(shown: readonly Event[], { expected, undecided }: Judgement): string | undefined {
  const revived = shown.filter((event) => !expected.has(event) && !undecided.has(event));
  return revived.length === 0 ? undefined : `superseded, but live: ${revived.map(nameOf).join(', ')}`;
}

/** How many of one event's requests others had seen under a dot of `among`, or these had seen, and so on. */
function countSuperseded(requests: readonly Request[], seenByOthers: Mints, among: Mints): number {
  let seen = seenByOthers;
  for (;;) {
    const superseded = requests.filter(({ mints }) => (mints & seen & among) !== 0);
    const more = superseded.reduce((mints, request) => mints | request.seen, seen);
    if (more === seen) return superseded.length;
    seen = more;
  }
}

function isIn(number: number, mints: Mints): boolean {
  return (mints & (1 << number)) !== 0;
}

export function nameOf({ number }: Event): string {
  return `event ${number}`;
}
