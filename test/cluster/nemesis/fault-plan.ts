/**
 * What the nemesis will do, drawn from a seed: rounds, each of them plain data. In a round the links between nodes are never
 * whole, one or two processes suffer beside that, and in every second round one disk loses something.
 *
 * The fault budget: with W=2 of N=3 one lost disk at a time can be borne. So a round with a loss ends only when everything has
 * been got back (nemesis.ts), and no round has two.
 */
import { EXCHANGE_TIMEOUT_MS, PEER_SILENCE_MS } from '../../../src/core/limits.ts';
import type { Draw } from '../random-load.ts';

/** From one node to another. */
export type DirectedPair = readonly [from: string, to: string];

export const LINK_FAULT_KINDS = [
  'isolated',
  'halves',
  'one-way',
  'bridge',
  'ring',
  'one-link',
  'slow',
  'clogged',
] as const;

export interface LinkFault {
  readonly kind: (typeof LINK_FAULT_KINDS)[number];
  readonly pairs: readonly DirectedPair[];
  /** `reset`: connections break. `silent`: bytes are lost. `clog`: they come in bursts. `delay`: late by `delayMs`. */
  readonly effect: 'reset' | 'silent' | 'clog' | 'delay';
  readonly delayMs: number;
  readonly forMs: number;
}

export type ProcessFaultKind =
  | 'kill'
  | 'kill-loop'
  | 'kill-all'
  | 'pause'
  | 'long-pause'
  | 'drain'
  | 'disk-full'
  | 'write-failure';

export interface ProcessFault {
  readonly kind: ProcessFaultKind;
  readonly node: string;
  /** After the beginning of the round. */
  readonly afterMs: number;
  readonly forMs: number;
}

export type LossKind = 'wiped' | 'rolled-back' | 'flipped-byte';

export interface DiskLossFault {
  readonly kind: LossKind;
  readonly node: string;
  readonly afterMs: number;
  /** Until its process is started again. */
  readonly downMs: number;
}

export interface Round {
  /** One after the other. */
  readonly links: readonly LinkFault[];
  /** Beside each other, each on a node of its own. */
  readonly processes: readonly ProcessFault[];
  readonly loss: DiskLossFault | undefined;
}

export interface PlanOptions {
  readonly nodes: readonly string[];
  /** The one whose disk can be filled; undefined if none can. */
  readonly smallDiskNode: string | undefined;
  /** Whether writes of a process can be made to fail. */
  readonly canFailWrites: boolean;
}

const MIN_ROUND_MS = 5_000;
const MAX_ROUND_MS = 9_000;
/** Longer than everybody waits for a node that is silent: it is taken for gone, and what was asked of it is given up. */
export const LONG_PAUSE_MS = Math.max(PEER_SILENCE_MS, EXCHANGE_TIMEOUT_MS) + 2_000;

/** Draws round after round. Kinds come from shuffled decks, so that none is left out for long. */
export class FaultPlan {
  readonly #options: PlanOptions;
  readonly #draw: Draw;
  readonly #linkKinds: Deck<LinkFault['kind']>;
  readonly #processKinds: Deck<ProcessFaultKind>;
  readonly #lossKinds: Deck<LossKind>;
  #rounds = 0;

  constructor(options: PlanOptions, draw: Draw) {
    this.#options = options;
    this.#draw = draw;
    this.#linkKinds = new Deck(LINK_FAULT_KINDS, draw);
    const failures: ProcessFaultKind[] = options.canFailWrites ? ['write-failure'] : [];
    if (options.smallDiskNode !== undefined) failures.push('disk-full');
    this.#processKinds = new Deck(
      ['kill', 'kill-loop', 'kill-all', 'pause', 'long-pause', 'drain', ...failures],
      draw,
    );
    this.#lossKinds = new Deck(['wiped', 'rolled-back', 'flipped-byte'], draw);
  }

  next(): Round {
    this.#rounds += 1;
    const lengthMs = between(this.#draw, MIN_ROUND_MS, MAX_ROUND_MS);
    const free = shuffled(this.#options.nodes, this.#draw);
    const loss = this.#rounds % 2 === 0 ? this.#loss(free.pop() as string) : undefined;
    const processes: ProcessFault[] = [];
    for (let left = 1 + this.#draw(2); left > 0; left -= 1) {
      const fault = this.#processFault(free, lengthMs, loss === undefined && processes.length === 0);
      if (fault === undefined) continue;
      processes.push(fault);
      if (fault.kind === 'kill-all') break;
    }
    const links: LinkFault[] = [];
    const endMs = Math.max(lengthMs, ...processes.map(({ afterMs, forMs }) => afterMs + forMs));
    for (let leftMs = endMs; leftMs > 0; leftMs -= links.at(-1)?.forMs ?? leftMs)
      links.push(this.#linkFault());
    return { links, processes, loss };
  }

  /** Undefined if what was drawn is not possible beside the rest of the round. Takes its node from the free ones. */
  #processFault(free: string[], lengthMs: number, isAlone: boolean): ProcessFault | undefined {
    const kind = this.#processKinds.next();
    if (kind === 'kill-all' && !isAlone) return undefined;
    const wanted = kind === 'disk-full' ? this.#options.smallDiskNode : free.at(-1);
    if (wanted === undefined || !free.includes(wanted)) return undefined;
    free.splice(free.indexOf(wanted), 1);
    const forMs = kind === 'long-pause' ? LONG_PAUSE_MS : between(this.#draw, 200, lengthMs - 2_000);
    return { kind, node: wanted, afterMs: this.#draw(2_000), forMs };
  }

  #loss(node: string): DiskLossFault {
    // Late enough that there is something to lose, and that others have heard of it.
    const afterMs = between(this.#draw, 2_000, 4_000);
    return { kind: this.#lossKinds.next(), node, afterMs, downMs: this.#draw(2_000) };
  }

  #linkFault(): LinkFault {
    const kind = this.#linkKinds.next();
    const forMs = between(this.#draw, 1_000, 4_000);
    const pairs = this.#pairs(kind);
    const isBothWays = kind !== 'one-way' && kind !== 'one-link';
    if (kind === 'slow')
      return { kind, pairs, effect: 'delay', delayMs: between(this.#draw, 10, 400), forMs };
    if (kind === 'clogged') return { kind, pairs, effect: 'clog', delayMs: 0, forMs };
    const effect = isBothWays && this.#draw(2) === 0 ? 'reset' : 'silent';
    return { kind, pairs, effect, delayMs: 0, forMs };
  }

  #pairs(kind: LinkFault['kind']): readonly DirectedPair[] {
    const nodes = shuffled(this.#options.nodes, this.#draw);
    const [first = '', second = ''] = nodes;
    const half = Math.floor(nodes.length / 2);
    switch (kind) {
      case 'isolated':
      case 'slow':
      case 'clogged':
        return bothWays([first], nodes.slice(1));
      case 'halves':
        return bothWays(nodes.slice(0, half), nodes.slice(half));
      case 'bridge':
        // One in the middle is seen by both sides, which do not see each other.
        return bothWays(nodes.slice(0, half), nodes.slice(half + 1));
      case 'one-way':
        return this.#draw(2) === 0 ? oneWay([first], nodes.slice(1)) : oneWay(nodes.slice(1), [first]);
      case 'one-link':
        return this.#draw(2) === 0 ? oneWay([first], [second]) : bothWays([first], [second]);
      case 'ring':
        // Each sees its two neighbours only.
        return nodes.flatMap((node, index) => {
          const neighbours = [node, nodes.at(index - 1), nodes[(index + 1) % nodes.length]];
          return oneWay(
            [node],
            nodes.filter((other) => !neighbours.includes(other)),
          );
        });
    }
  }
}

/** Gives its cards in random order, all of them before any comes again. */
class Deck<Card> {
  readonly #cards: readonly Card[];
  readonly #draw: Draw;
  #left: Card[] = [];

  constructor(cards: readonly Card[], draw: Draw) {
    this.#cards = cards;
    this.#draw = draw;
  }

  next(): Card {
    if (this.#left.length === 0) this.#left = shuffled(this.#cards, this.#draw);
    return this.#left.pop() as Card;
  }
}

function shuffled<Item>(items: readonly Item[], draw: Draw): Item[] {
  const left = [...items];
  return items.map(() => left.splice(draw(left.length), 1)[0] as Item);
}

function between(draw: Draw, least: number, most: number): number {
  return least + draw(most - least + 1);
}

function oneWay(from: readonly string[], to: readonly string[]): readonly DirectedPair[] {
  return from.flatMap((one) => to.map((other) => [one, other] as const));
}

function bothWays(left: readonly string[], right: readonly string[]): readonly DirectedPair[] {
  return [...oneWay(left, right), ...oneWay(right, left)];
}
