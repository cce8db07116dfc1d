/**
 * White-box: which event each dot names, learned from every record that any process ever gave to its disk. A dot names one
 * event for ever; a context claims only dots of events that its holder has seen; a node mints one dot for one write id.
 */
import type { CausalContext } from '../../../src/core/causality/causal-context.ts';
import { formatDot, incarnationOf } from '../../../src/core/causality/dot.ts';
import type { KeyRecord, Sibling } from '../../../src/core/causality/record.ts';
import { MAX_WRITE_IDS } from '../../../src/core/limits.ts';
import type { Violation } from './history.ts';

const decoder = new TextDecoder();

/** The value of an event: its id, then filler. */
export function valueOf(id: number, bytes: number): Uint8Array {
  return new TextEncoder().encode(`${id}:${'x'.repeat(bytes)}`);
}

export function writeIdOf(id: number): string {
  return `w${id}`;
}

/** The event that a sibling belongs to; undefined if it tells nothing, as a tombstone without a write id. */
export function eventOf({ content, writeId }: Sibling): number | undefined {
  if (content.type === 'tombstone') return writeId === undefined ? undefined : Number(writeId.slice(1));
  const text = decoder.decode(content.bytes.subarray(0, 12));
  return Number(text.slice(0, text.indexOf(':')));
}

export class DotRegistry {
  readonly #events = new Map<string, number>();
  /** Every event that some disk took. */
  readonly stored = new Set<number>();

  /** Notes what a record says that is being written; answers a violation if a dot names two events. */
  observe(key: string, record: KeyRecord): readonly Violation[] {
    const violations: Violation[] = [];
    for (const sibling of record.siblings) {
      const event = eventOf(sibling);
      if (event === undefined) continue;
      const name = `${key} ${formatDot(sibling.dot)}`;
      const known = this.#events.get(name);
      this.#events.set(name, event);
      if (known === undefined || known === event) continue;
      violations.push({
        invariant: 'dot-collision',
        detail: `${name} names event ${known} and event ${event}`,
      });
    }
    return violations;
  }

  /** Notes that a disk took a record. */
  observeStored(record: KeyRecord): void {
    for (const sibling of record.siblings) {
      const event = eventOf(sibling);
      if (event !== undefined) this.stored.add(event);
    }
  }

  /** Events that a context claims to have seen, and dots that no process ever tried to write. */
  eventsOf(
    key: string,
    context: CausalContext,
  ): { readonly events: ReadonlySet<number>; readonly unheard: readonly string[] } {
    const events = new Set<number>();
    const unheard: string[] = [];
    for (const dot of dotsOf(context)) {
      const event = this.#events.get(`${key} ${dot}`);
      if (event === undefined) unheard.push(dot);
      else events.add(event);
    }
    return { events, unheard };
  }
}

/**
 * One process never mints two dots for one write id: the second attempt finds the first in the local record. Two processes
 * may, when they cannot see each other; and so may a record that has forgotten ids.
 */
export function checkRetriesAreOneEvent(key: string, { writes }: KeyRecord): readonly Violation[] {
  if (writes.length < 2 || writes.length >= MAX_WRITE_IDS) return [];
  const dots = new Map<string, string>();
  for (const { id, requestDigest, dot } of writes) {
    const name = `${incarnationOf(dot.actor)} ${id} ${requestDigest}`;
    const other = dots.get(name);
    if (other !== undefined) {
      const detail = `one process minted ${other} and ${formatDot(dot)} for the write id ${id} of ${key}`;
      return [{ invariant: 'retry-became-second-event', detail }];
    }
    dots.set(name, formatDot(dot));
  }
  return [];
}

function* dotsOf(context: CausalContext): Generator<string> {
  for (const [actor, upTo] of context.vector) {
    for (let counter = 1; counter <= upTo; counter += 1) yield formatDot({ actor, counter });
  }
  for (const [actor, ranges] of context.cloud) {
    for (let index = 0; index < ranges.length; index += 2) {
      for (let counter = ranges[index] as number; counter <= (ranges[index + 1] as number); counter += 1) {
        yield formatDot({ actor, counter });
      }
    }
  }
}
