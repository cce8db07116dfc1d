import { describe, expect, it } from 'vitest';
import { EMPTY_CONTEXT } from '../../../src/core/causality/causal-context.ts';
import { type Dot, formatDot } from '../../../src/core/causality/dot.ts';
import type { KeyRecord, RememberedWrite, Sibling } from '../../../src/core/causality/record.ts';
import { MAX_WRITE_IDS } from '../../../src/core/limits.ts';
import { context, dot as dotOf } from '../../core/causality/sample-records.ts';
import {
  checkRetriesAreOneEvent,
  DotRegistry,
  type EventSource,
  eventOf,
  isValueOf,
  valueOf,
  writeIdOf,
} from './dots.ts';

function dot(counter: number, process = 'a'): Dot {
  return dotOf(process, counter);
}

function value(event: number, itsDot: Dot): Sibling {
  const content = { type: 'value' as const, contentType: 'text/plain', bytes: valueOf(event, 3) };
  return { dot: itsDot, content, writtenAtMs: 0, writeId: undefined };
}

function tombstone(event: number | undefined, itsDot: Dot): Sibling {
  const writeId = event === undefined ? undefined : writeIdOf(event);
  return { dot: itsDot, content: { type: 'tombstone' }, writtenAtMs: 0, writeId };
}

function record(siblings: readonly Sibling[], writes: readonly RememberedWrite[] = []): KeyRecord {
  return { siblings, context: EMPTY_CONTEXT, writes, largestN: 3 };
}

function remembered(id: string, itsDot: Dot, requestDigest = 'digest'): RememberedWrite {
  return { id, dot: itsDot, requestDigest, seenDigest: 0, writtenAtMs: 0, created: false };
}

/** Events from 100 on are of another key. */
function sentOnce(event: number): EventSource {
  return { key: event < 100 ? 'key' : 'another', attempts: 1 };
}

describe('the value of an event', () => {
  it('tells the event, and a tombstone does by its write id', () => {
    expect(eventOf(value(42, dot(1)))).toBe(42);
    expect(eventOf(tombstone(42, dot(1)))).toBe(42);
    expect(eventOf(tombstone(undefined, dot(1)))).toBeUndefined();
  });

  it('is known again, and no other is taken for it', () => {
    for (const bytes of [0, 1, 200, 300_000]) {
      expect(isValueOf(valueOf(42, bytes), 42, bytes)).toBe(true);
      expect(isValueOf(valueOf(42, bytes), 42, bytes + 1)).toBe(false);
    }
    const changed = valueOf(42, 40);
    changed[20] = 0;
    expect(isValueOf(changed, 42, 40)).toBe(false);
  });
});

describe('a dot', () => {
  it('names one event in any number of records, and other dots name others', () => {
    const registry = new DotRegistry(sentOnce);
    for (const siblings of [[value(1, dot(1))], [value(1, dot(1)), value(2, dot(2))]])
      expect(registry.observe('key', record(siblings))).toEqual([]);
    expect(registry.observe('another', record([value(100, dot(1))]))).toEqual([]);
  });

  it('collides if it names two events', () => {
    const registry = new DotRegistry(sentOnce);
    registry.observe('key', record([value(1, dot(1))]));
    const [violation] = registry.observe('key', record([value(2, dot(1))]));
    expect(violation?.invariant).toBe('dot-collision');
    expect(violation?.detail).toMatch(/event 1 and event 2/);
  });

  it('collides also with the dot of a tombstone', () => {
    const registry = new DotRegistry(sentOnce);
    registry.observe('key', record([tombstone(1, dot(1))]));
    expect(registry.observe('key', record([value(2, dot(1))]))).toHaveLength(1);
  });

  it('names what was written to its key', () => {
    const registry = new DotRegistry((event) => (event === 1 ? undefined : sentOnce(event)));
    const [violation] = registry.observe('key', record([value(100, dot(1))]));
    expect(violation?.invariant).toBe('invented-value');
    expect(violation?.detail).toContain('event 100 of another');
    expect(registry.observe('key', record([value(1, dot(2))]))[0]?.invariant).toBe('invented-value');
  });

  it('is the only one of an event that was sent once', () => {
    const registry = new DotRegistry((event) => ({ key: 'key', attempts: event }));
    registry.observe('key', record([value(1, dot(1)), value(2, dot(2))]));
    expect(registry.observe('key', record([value(2, dot(3))]))).toEqual([]);
    const [violation] = registry.observe('key', record([value(1, dot(4))]));
    expect(violation?.invariant).toBe('second-dot');
  });
});

describe('what a context claims', () => {
  it('is the events of its dots, and dots that nobody ever tried to write', () => {
    const registry = new DotRegistry(sentOnce);
    registry.observe('key', record([value(1, dot(1)), value(3, dot(3))]));
    registry.observe('another', record([value(100, dot(2))]));
    const claimed = context({ a: [1, 3, 4] });
    const { events, unheard } = registry.eventsOf('key', claimed);
    expect([...events]).toEqual([1, 3]);
    expect(unheard).toEqual([formatDot(dot(4))]);
  });

  it('and what a disk took is known', () => {
    const registry = new DotRegistry(sentOnce);
    registry.observeStored(record([value(1, dot(1)), tombstone(2, dot(2)), tombstone(undefined, dot(3))]));
    expect([...registry.stored]).toEqual([1, 2]);
  });
});

describe('a write id', () => {
  it('has one dot of one process', () => {
    const writes = [remembered('a', dot(1)), remembered('b', dot(2)), remembered('a', dot(1, 'b'))];
    expect(checkRetriesAreOneEvent('key', record([], writes))).toEqual([]);
  });

  it('has not two of one process', () => {
    const writes = [remembered('a', dot(2)), remembered('b', dot(3)), remembered('a', dot(1))];
    const [violation] = checkRetriesAreOneEvent('key', record([], writes));
    expect(violation?.invariant).toBe('second-dot');
    expect(violation?.detail).toContain('write id a of key');
  });

  it('may be another write, against the contract, or forgotten and taken again', () => {
    const reused = [remembered('a', dot(1), 'one'), remembered('a', dot(2), 'another')];
    expect(checkRetriesAreOneEvent('key', record([], reused))).toEqual([]);
    const full = Array.from({ length: MAX_WRITE_IDS }, (_, index) => remembered('a', dot(index + 1)));
    expect(checkRetriesAreOneEvent('key', record([], full))).toEqual([]);
  });
});
