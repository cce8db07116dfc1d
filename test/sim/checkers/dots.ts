/**
 * White-box: which event each dot names, learned from every record that any process ever gave to its disk. A dot names one
 * event for ever; a context claims only dots of events that its holder has seen; a node mints one dot for one write id.
 */
import type { CausalContext } from '../../../src/core/causality/causal-context.ts';
import { type Dot, formatDot, incarnationOf } from '../../../src/core/causality/dot.ts';
import type { KeyRecord, Sibling } from '../../../src/core/causality/record.ts';
import { mayHaveForgottenWrites } from '../../../src/core/causality/remembered-writes.ts';
import type { ActorId } from '../../../src/core/ids.ts';
import type { Violation } from './history.ts';

const DIGIT_ZERO = 0x30;
const COLON = 0x3a;
const FILLER = 0x78;
/** Bytes of a long value that are looked at. */
const SAMPLES = 64;

/** The value of an event: its id, then filler. */
export function valueOf(id: number, bytes: number): Uint8Array {
  return new TextEncoder().encode(`${id}:${'x'.repeat(bytes)}`);
}

/** Whether these are the bytes that `valueOf` gave, as far as their length and some samples tell. */
export function isValueOf(value: Uint8Array, id: number, bytes: number): boolean {
  const prefix = `${id}:`.length;
  if (value.length !== prefix + bytes) return false;
  const stride = Math.max(1, Math.floor(bytes / SAMPLES));
  for (let index = prefix; index < value.length; index += stride) if (value[index] !== FILLER) return false;
  return bytes === 0 || value.at(-1) === FILLER;
}

export function writeIdOf(id: number): string {
  return `w${id}`;
}

/** The event that a sibling belongs to; undefined if it tells nothing, as a tombstone without a write id. */
export function eventOf({ content, writeId }: Sibling): number | undefined {
  if (content.type === 'tombstone') return writeId === undefined ? undefined : Number(writeId.slice(1));
  let event = 0;
  for (const byte of content.bytes) {
    if (byte === COLON) break;
    event = 10 * event + (byte - DIGIT_ZERO);
  }
  return event;
}

/** What clients did to make an event. */
export interface EventSource {
  readonly key: string;
  /** How often the request was sent. */
  readonly attempts: number;
}

export class DotRegistry {
  readonly #sourceOf: (event: number) => EventSource | undefined;
  /** By key and actor: the event of each counter. */
  readonly #events = new Map<string, (number | undefined)[]>();
  /** The first dot of each event. */
  readonly #dots = new Map<number, string>();
  /** Events that have two dots, because two nodes took a request and its retry. */
  readonly aliased = new Set<number>();
  /** Every event that some disk took. */
  readonly stored = new Set<number>();

  /** `sourceOf` gives undefined for an event that no client made. */
  constructor(sourceOf: (event: number) => EventSource | undefined) {
    this.#sourceOf = sourceOf;
  }

  /**
   * Notes what a record says that is being written: it holds what clients wrote to its key, a dot names one event, and
   * what was sent once has one dot.
   */
  observe(key: string, record: KeyRecord): readonly Violation[] {
    const violations: Violation[] = [...this.#checkSources(key, record)];
    for (const sibling of record.siblings) {
      const event = eventOf(sibling);
      if (event === undefined) continue;
      const dot = `${key} ${formatDot(sibling.dot)}`;
      const events = this.#eventsOfActor(key, sibling.dot.actor);
      const known = events[sibling.dot.counter];
      events[sibling.dot.counter] = event;
      if (known !== undefined && known !== event) {
        const detail = `${dot} names event ${known} and event ${event}`;
        violations.push({ invariant: 'dot-collision', detail });
      }
      const first = this.#dots.get(event);
      if (first === undefined) this.#dots.set(event, dot);
      else if (first !== dot) this.aliased.add(event);
      if (first !== undefined && first !== dot && this.#sourceOf(event)?.attempts === 1) {
        const detail = `event ${event}, which was sent once, has the dots ${first} and ${dot}`;
        violations.push({ invariant: 'second-dot', detail });
      }
    }
    return violations;
  }

  #checkSources(key: string, { siblings }: KeyRecord): readonly Violation[] {
    for (const sibling of siblings) {
      const event = eventOf(sibling);
      const source = event === undefined ? undefined : this.#sourceOf(event);
      if (event === undefined || source?.key === key) continue;
      const detail = `a process writes event ${event} of ${source?.key ?? 'nobody'} into the record of ${key}`;
      return [{ invariant: 'invented-value', detail }];
    }
    return [];
  }

  /** Notes that a disk took a record. */
  observeStored(record: KeyRecord): void {
    for (const sibling of record.siblings) {
      const event = eventOf(sibling);
      if (event !== undefined) this.stored.add(event);
    }
  }

  /** The event that a dot names; undefined if no process has tried to write it. */
  eventAt(key: string, { actor, counter }: Dot): number | undefined {
    return this.#events.get(`${key} ${actor}`)?.[counter];
  }

  /** Whether some process ever tried to write a record with this event. */
  isNamed(event: number): boolean {
    return this.#dots.has(event);
  }

  /** Events that a context claims to have seen, and dots that no process ever tried to write. */
  eventsOf(
    key: string,
    context: CausalContext,
  ): { readonly events: readonly number[]; readonly unheard: readonly string[] } {
    const events: number[] = [];
    const unheard: string[] = [];
    const take = (actor: ActorId, from: number, to: number): void => {
      const named = this.#eventsOfActor(key, actor);
      for (let counter = from; counter <= to; counter += 1) {
        const event = named[counter];
        if (event === undefined) unheard.push(formatDot({ actor, counter }));
        else events.push(event);
      }
    };
    for (const [actor, upTo] of context.vector) take(actor, 1, upTo);
    for (const [actor, ranges] of context.cloud) {
      for (let index = 0; index < ranges.length; index += 2)
        take(actor, ranges[index] as number, ranges[index + 1] as number);
    }
    return { events, unheard };
  }

  #eventsOfActor(key: string, actor: ActorId): (number | undefined)[] {
    const name = `${key} ${actor}`;
    const events = this.#events.get(name) ?? [];
    this.#events.set(name, events);
    return events;
  }
}

/**
 * One process never mints two dots for one write id: the second attempt finds the first in the local record. Two processes
 * may, when they cannot see each other; and so may a record that has forgotten ids.
 */
export function checkRetriesAreOneEvent(key: string, { writes }: KeyRecord): readonly Violation[] {
  if (writes.length < 2 || mayHaveForgottenWrites({ writes })) return [];
  const dots = new Map<string, string>();
  for (const { id, requestDigest, dot } of writes) {
    const name = `${incarnationOf(dot.actor)} ${id} ${requestDigest}`;
    const other = dots.get(name);
    if (other !== undefined) {
      const detail = `one process minted ${other} and ${formatDot(dot)} for the write id ${id} of ${key}`;
      return [{ invariant: 'second-dot', detail }];
    }
    dots.set(name, formatDot(dot));
  }
  return [];
}
